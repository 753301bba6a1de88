/* Loops over examples that apply one operation: lanes.c has one for each row that C knows. */

#ifndef WENGERT_LANES_H
#define WENGERT_LANES_H

#include <stdint.h>

/* Operands that are one number for all examples; where a row has fewer operands, the first stands
 * for the others. Of three operands none is. There are eight times `eights` examples, so that no
 * vector is filled in part. */
enum { X_SHARED = 1, Y_SHARED = 2 };

typedef void (*LaneLoop)(double *to, const double *x, const double *y, const double *w,
                         double constant, int64_t eights, int shared);

/* By operation; NULL for those that Python is asked for. */
extern LaneLoop lane_loops[];

void load_lane_loops(void);

#endif
