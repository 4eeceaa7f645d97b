/* The Sound Blaster's ADPCM: 4, 2.6 or 2 bits a sample. */
#ifndef DEVICES_AUDIO_SB_ADPCM_H
#define DEVICES_AUDIO_SB_ADPCM_H

#include "devices/core/types.h"

enum sb_adpcm { SB_ADPCM_NONE, SB_ADPCM_4, SB_ADPCM_26, SB_ADPCM_2, SB_ADPCM_KINDS };

/* Samples that a byte holds; 1 without ADPCM. */
unsigned sb_adpcm_samples(enum sb_adpcm kind);
/* Unpack a byte into its samples (unsigned); *ref is the last sample, *step the size of steps. */
void sb_adpcm_unpack(enum sb_adpcm kind, u8 byte, u8 *ref, u8 *step, u8 out[4]);

#endif
