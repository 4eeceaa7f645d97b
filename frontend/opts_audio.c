/* What -audiodev, -audio and -soundhw do to struct options. */
#include "frontend/opts.h"

#include <string.h>

static const char *const drivers[] = {
    [AUDIO_NONE] = "none", [AUDIO_WAV] = "wav", [AUDIO_SDL] = "sdl", NULL};

/* What -audio model= and -soundhw call devices. */
static const struct {
    const char *model, *driver;
} models[] = {
    {"sb16", "sb16"},     {"adlib", "adlib"}, {"es1370", "ES1370"},
    {"ES1370", "ES1370"}, {"pcspk", ""}, /* of the board */
};

static bool set_driver(struct opt_audiodev *a, const char *flag, const char *v, struct err *err)
{
    for (unsigned i = 0; drivers[i]; i++) {
        if (!strcmp(drivers[i], v)) {
            a->driver = (enum opt_audio_driver)i;
            return true;
        }
    }
    return opts_bad_value(flag, v, drivers, err);
}

static bool audio_key(struct opt_audiodev *a, const char *flag, const char *key, const char *v,
                      char *model, size_t model_size, struct err *err)
{
    static const char *const keys[] = {"driver", "id", "path", "out.frequency", "model", NULL};
    u64 n;

    if (!strcmp(key, "driver"))
        return set_driver(a, flag, v, err);
    if (!strcmp(key, "id"))
        return opts_copy(a->id, sizeof(a->id), v) || err_set(err, "The id of -%s is too long.", flag);
    if (!strcmp(key, "model") && model)
        return opts_copy(model, model_size, v) || err_set(err, "There is no model '%.60s'.", v);
    if (!strcmp(key, "path"))
        return (*v && opts_copy(a->path, sizeof(a->path), v)) ||
               err_set(err, "The path of -%s is empty or too long.", flag);
    if (!strcmp(key, "out.frequency")) {
        if (!opts_number(v, 192000, &n) || n < 8000)
            return err_set(err, "-%s: out.frequency is 8000 to 192000, not '%.60s'.", flag, v);
        a->rate = (u32)n;
        return true;
    }
    return opts_bad_key(flag, key, keys, err);
}

static bool parse(struct options *opt, const char *flag, const char *val, char *model,
                  size_t model_size, struct err *err)
{
    struct opt_audiodev *a = &opt->audiodevs[opt->naudiodevs];
    char key[64], v[OPT_PATH];
    bool has_key, have = false;

    if (opt->naudiodevs >= OPT_MAX_AUDIODEVS)
        return err_set(err, "There are more than %d audiodevs.", OPT_MAX_AUDIODEVS);
    memset(a, 0, sizeof(*a));
    a->rate = 48000;
    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!has_key && have)
            return opts_bad_key(flag, v, (const char *const[]){"id", "path", NULL}, err);
        if (!audio_key(a, flag, has_key ? key : "driver", v, model, model_size, err))
            return false;
        have |= !has_key || !strcmp(key, "driver");
    }
    if (!have)
        return err_set(err, "-%s needs a driver: sdl, wav or none.", flag);
    if (a->path[0] && a->driver != AUDIO_WAV)
        return err_set(err, "-%s %s takes no path; -%s wav does.", flag, drivers[a->driver], flag);
    if (!a->path[0])
        memcpy(a->path, "dragoman.wav", 13);
    if (!a->id[0] && model)
        snprintf(a->id, sizeof(a->id), "audio%u", opt->naudiodevs);
    if (!a->id[0])
        return err_set(err, "-%s needs id=.", flag);
    for (unsigned i = 0; i < opt->naudiodevs; i++) {
        if (!strcmp(opt->audiodevs[i].id, a->id))
            return err_set(err, "Two audiodevs have the id '%s'.", a->id);
    }
    opt->naudiodevs++;
    return true;
}

bool opt_set_AUDIODEV(struct options *opt, const char *flag, const char *val, struct err *err)
{
    if (!strcmp(val, "help")) {
        opt->start = START_LIST;
        return opts_copy(opt->list, sizeof(opt->list), "audiodev");
    }
    return parse(opt, flag, val, NULL, 0, err);
}

static const char *driver_of(const char *model)
{
    for (unsigned i = 0; i < ARRAY_LEN(models); i++) {
        if (!strcmp(models[i].model, model) &&
            (!models[i].driver[0] || pc_addon_class(models[i].driver)))
            return models[i].driver;
    }
    return NULL;
}

static bool bad_model(const char *flag, const char *model, struct err *err)
{
    const char *names[ARRAY_LEN(models) + 1] = {NULL};
    size_t n = 0;

    for (unsigned i = 0; i < ARRAY_LEN(models); i++) {
        if (driver_of(models[i].model))
            names[n++] = models[i].model;
    }
    return opts_bad_value(flag, model, names, err);
}

bool opt_set_AUDIO(struct options *opt, const char *flag, const char *val, struct err *err)
{
    char model[32] = "";
    const char *driver;
    struct opt_addon *a;
    const char *id;

    if (!strcmp(val, "help"))
        return opt_set_AUDIODEV(opt, flag, val, err);
    if (!parse(opt, flag, val, model, sizeof(model), err))
        return false;
    if (!model[0])
        return true;
    id = opt->audiodevs[opt->naudiodevs - 1].id;
    driver = driver_of(model);
    if (!driver)
        return bad_model(flag, model, err);
    if (!driver[0])
        return opts_copy(opt->pcspk_audiodev, sizeof(opt->pcspk_audiodev), id);
    a = opts_new_addon(opt, driver, err);
    return a && opts_copy(a->host, sizeof(a->host), id);
}

bool opt_set_SOUNDHW(struct options *opt, const char *flag, const char *val, struct err *err)
{
    const char *model = driver_of(val) ? val : "sb16";

    return err_set(err, "-soundhw does not exist any more: use -audio sdl,model=%s.", model);
}

bool opts_default_sound(struct options *opt, const char *driver, struct err *err)
{
    struct opt_audiodev *d = &opt->audiodevs[0];

    for (unsigned i = 0; i < opt->naddons; i++) {
        if (pc_addon_class(opt->addons[i].driver)->host == PLUG_AUDIO)
            return true;
    }
    if (!opt->naudiodevs) {
        *d = (struct opt_audiodev){.id = "sound", .driver = AUDIO_BY_DISPLAY, .rate = 48000};
        opt->naudiodevs = 1;
        if (!opt->pcspk_audiodev[0])
            memcpy(opt->pcspk_audiodev, d->id, sizeof(d->id));
    }
    return opts_new_addon(opt, driver, err) != NULL;
}

static bool exists(const struct options *opt, const char *id, struct err *err)
{
    for (unsigned i = 0; i < opt->naudiodevs; i++) {
        if (!strcmp(opt->audiodevs[i].id, id))
            return true;
    }
    return err_set(err, "There is no -audiodev with the id '%.60s'.", id);
}

bool opts_check_audiodevs(struct options *opt, struct err *err)
{
    if (opt->pcspk_audiodev[0] && !exists(opt, opt->pcspk_audiodev, err))
        return false;
    for (unsigned i = 0; i < opt->naddons; i++) {
        struct opt_addon *a = &opt->addons[i];

        if (pc_addon_class(a->driver)->host != PLUG_AUDIO)
            continue;
        if (!a->host[0] && opt->naudiodevs == 1)
            memcpy(a->host, opt->audiodevs[0].id, sizeof(opt->audiodevs[0].id));
        if (a->host[0] && !exists(opt, a->host, err))
            return false;
    }
    return true;
}
