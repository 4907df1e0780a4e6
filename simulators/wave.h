/*
 * wave: the undisturbed signal of a point, and what a kind usually shows.
 *
 * Pure functions.  Noise is a hash of (point's key, tick), not a generator with
 * state: any tick can be asked for, in any order, by anybody, with the same
 * result on every machine.
 */
#ifndef DAVY_SIMULATORS_WAVE_H
#define DAVY_SIMULATORS_WAVE_H

#include "model/site.h"
#include "simulators/scenario.h"
#include <stdint.h>

/* Gives the key of a point's own stream of noise. */
uint64_t wave_key(uint64_t seed, const char *id);

/* Gives noise in (-1, 1), triangular around 0. */
double wave_noise(uint64_t key, int64_t tick);

/* Rounds to whole steps; a step of 0 changes nothing. */
double wave_round(double value, double step);

/* Gives what a point shows when the scenario says nothing about it: by kind, else the middle of its range, else 0. */
struct wave wave_default(const struct site_point *point);

/* True when the point can only be 0 or 1 on the wire. */
bool wave_is_switch(const struct site_point *point);

#endif
