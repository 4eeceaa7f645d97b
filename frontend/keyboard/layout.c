/* Keyboard layouts as the characters on the 48 keys that differ between countries, in three levels:
 * alone, with Shift, with AltGr. Dead keys are left out: they make no character by themselves. */
#include "frontend/keyboard/layout.h"

#include <string.h>

enum { KEYS = 48, NONE = ' ' };

/* The keys of the strings below, row by row: from the one left of 1, from Q, from A, from the one
 * left of Z on keyboards with 102 keys. */
static const u8 key_codes[KEYS] = {
    0x29, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x10, 0x11, 0x12,
    0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24,
    0x25, 0x26, 0x27, 0x28, 0x2b, 0x56, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
};

struct layout {
    const char *name;
    const __CHAR16_TYPE__ *level[3];
};

static const struct layout layouts[] = {
    {"en-us",
     {u"`1234567890-=" u"qwertyuiop[]" u"asdfghjkl;'\\" u" zxcvbnm,./",
      u"~!@#$%^&*()_+" u"QWERTYUIOP{}" u"ASDFGHJKL:\"|" u" ZXCVBNM<>?",
      u"             " u"            " u"            " u"           "}},
    {"en-gb",
     {u"`1234567890-=" u"qwertyuiop[]" u"asdfghjkl;'#" u"\\zxcvbnm,./",
      u"\u00ac!\"\u00a3$%^&*()_+" u"QWERTYUIOP{}" u"ASDFGHJKL:@~" u"|ZXCVBNM<>?",
      u"\u00a6   \u20ac        " u"            " u"            " u"           "}},
    {"de",
     {u" 1234567890\u00df " u"qwertzuiop\u00fc+" u"asdfghjkl\u00f6\u00e4#" u"<yxcvbnm,.-",
      u"\u00b0!\"\u00a7$%&/()=? " u"QWERTZUIOP\u00dc*" u"ASDFGHJKL\u00d6\u00c4'" u">YXCVBNM;:_",
      u"  \u00b2\u00b3   {[]}\\ " u"@ \u20ac        ~" u"            " u"|      \u00b5   "}},
    {"fr",
     {u"\u00b2&\u00e9\"'(-\u00e8_\u00e7\u00e0)=" u"azertyuiop $" u"qsdfghjklm\u00f9*" u"<wxcvbn,;:!",
      u" 1234567890\u00b0+" u"AZERTYUIOP \u00a3" u"QSDFGHJKLM%\u00b5" u">WXCVBN?./\u00a7",
      u"  ~#{[|`\\^@]}" u"  \u20ac         " u"            " u"           "}},
    {"es",
     {u"\u00ba1234567890'\u00a1" u"qwertyuiop +" u"asdfghjkl\u00f1 \u00e7" u"<zxcvbnm,.-",
      u"\u00aa!\"\u00b7$%&/()=?\u00bf" u"QWERTYUIOP *" u"ASDFGHJKL\u00d1 \u00c7" u">ZXCVBNM;:_",
      u"\\|@#~\u20ac\u00ac      " u"          []" u"          {}" u"           "}},
    {"it",
     {u"\\1234567890'\u00ec" u"qwertyuiop\u00e8+" u"asdfghjkl\u00f2\u00e0\u00f9" u"<zxcvbnm,.-",
      u"|!\"\u00a3$%&/()=?^" u"QWERTYUIOP\u00e9*" u"ASDFGHJKL\u00e7\u00b0\u00a7" u">ZXCVBNM;:_",
      u"             " u"  \u20ac       []" u"         @# " u"           "}},
    {"sv",
     {u"\u00a71234567890+ " u"qwertyuiop\u00e5 " u"asdfghjkl\u00f6\u00e4'" u"<zxcvbnm,.-",
      u"\u00bd!\"#\u00a4%&/()=? " u"QWERTYUIOP\u00c5 " u"ASDFGHJKL\u00d6\u00c4*" u">ZXCVBNM;:_",
      u"  @\u00a3$\u20ac {[]}\\ " u"            " u"            " u"|      \u00b5   "}},
};

const char *const layout_names[] = {"en-us", "en-gb", "de", "fr", "es", "it", "sv", NULL};

const struct layout *layout_find(const char *name)
{
    for (u32 i = 0; i < ARRAY_LEN(layouts); i++) {
        if (!strcmp(layouts[i].name, name))
            return &layouts[i];
    }
    return NULL;
}

bool layout_stroke(const struct layout *l, u32 character, struct stroke *s)
{
    static const struct {
        char character;
        u8 code;
    } same[] = {{' ', 0x39}, {'\n', 0x1c}, {'\r', 0x1c}, {'\t', 0x0f}, {'\b', 0x0e}, {27, 0x01}};

    *s = (struct stroke){0};
    for (u32 i = 0; i < ARRAY_LEN(same); i++) {
        if (character == (u8)same[i].character) {
            s->code = same[i].code;
            return true;
        }
    }
    for (u32 level = 0; level < 3; level++) {
        for (u32 i = 0; i < KEYS; i++) {
            if (character != NONE && l->level[level][i] == character) {
                *s = (struct stroke){key_codes[i], level == 1, level == 2};
                return true;
            }
        }
    }
    return false;
}
