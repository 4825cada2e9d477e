/* SPDX-License-Identifier: GPL-2.0-only */
/* What the player and the maps of a replay know of each other. */
#ifndef VFIOSCOPE_REPLAY_MAPS_H
#define VFIOSCOPE_REPLAY_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frees what handlers have deleted: none is running. */
void replay_maps_free_deleted(void);
void replay_maps_free(void);
/* The frames that were recorded under this id, as many as there is room for. */
bool replay_stack(int32_t id, void *frames, size_t size);

#endif /* VFIOSCOPE_REPLAY_MAPS_H */
