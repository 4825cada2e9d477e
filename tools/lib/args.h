/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VFIOSCOPE_ARGS_H
#define VFIOSCOPE_ARGS_H

struct run;

/* Fills in what was asked for; ends the program on -h, -V and mistakes. */
void args_parse(struct run *run, int argc, char **argv);

#endif /* VFIOSCOPE_ARGS_H */
