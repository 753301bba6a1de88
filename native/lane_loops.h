/* The loops of lanes.c for CHOSEN_ROWS on one kind of CPU: TARGET says which, and NAMED(name) names
 * what is made.
 *
 * A result may stand where an operand does, so the examples of a loop are independent, and yet
 * nothing here is `restrict`. */

#define PARAMETERS                                                                            \
    double *to, const double *xs, const double *ys, const double *ws, const double n,         \
        const int64_t eights, const int shared
#define UNUSED (void)xs, (void)ys, (void)ws, (void)n, (void)shared
#define EACH(READ, VALUE)                      \
    INDEPENDENT                                \
    for (int64_t l = 0; l < 8 * eights; l++) { \
        READ                                   \
        to[l] = VALUE;                         \
    }
#define X const double x = xs[l];
#define Y const double y = ys[l];
#define W const double w = ws[l];

#define LANE_ROW1(OP, NAME, VALUE)             \
    TARGET static void NAMED(NAME)(PARAMETERS) \
    {                                          \
        UNUSED;                                \
        EACH(X, VALUE)                         \
    }
#define LANE_ROW2(OP, NAME, VALUE)             \
    TARGET static void NAMED(NAME)(PARAMETERS) \
    {                                          \
        UNUSED;                                \
        if (shared == X_SHARED) {              \
            const double x = *xs;              \
            EACH(Y, VALUE)                     \
        } else if (shared == Y_SHARED) {       \
            const double y = *ys;              \
            EACH(X, VALUE)                     \
        } else {                               \
            EACH(X Y, VALUE)                   \
        }                                      \
    }
#define LANE_ROW3(OP, NAME, VALUE)             \
    TARGET static void NAMED(NAME)(PARAMETERS) \
    {                                          \
        UNUSED;                                \
        EACH(X Y W, VALUE)                     \
    }

CHOSEN_ROWS(x, y, w, n)

#undef LANE_ROW1
#undef LANE_ROW2
#undef LANE_ROW3

#define LANE_ROW1(OP, NAME, VALUE) [OP] = NAMED(NAME),
#define LANE_ROW2 LANE_ROW1
#define LANE_ROW3 LANE_ROW1
static const LaneLoop NAMED(loops)[OP_COUNT] = {CHOSEN_ROWS(, , , )};

#undef LANE_ROW1
#undef LANE_ROW2
#undef LANE_ROW3
#undef PARAMETERS
#undef UNUSED
#undef EACH
#undef X
#undef Y
#undef W
