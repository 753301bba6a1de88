/* One operation for many examples: a loop for each row, generated from the table.
 *
 * What is all arithmetic stands here for several kinds of x86 CPUs, of which the best is chosen at
 * run time: wheels are built for the oldest. Each lane has the bits of the row's own C spelling; no
 * multiplication is fused with an addition, whatever the CPU could do. */

#include "lanes.h"
#include "node.h"
#include "rows.h"

#define TARGET
#define INDEPENDENT
#define NAMED(name) called_##name
#define CHOSEN_ROWS CALLING_ROWS
#include "lane_loops.h"
#undef CHOSEN_ROWS
#undef NAMED
#undef INDEPENDENT

#if defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

#define NAMED(name) plain_##name
#define CHOSEN_ROWS VECTOR_ROWS
#include "lane_loops.h"
#undef NAMED
#undef TARGET

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define HAS_TARGETS
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(name) avx2_##name
#include "lane_loops.h"
#undef NAMED
#undef TARGET

#ifdef __clang__
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#else
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#define NAMED(name) avx512_##name
#include "lane_loops.h"
#undef NAMED
#undef TARGET
#endif

LaneLoop lane_loops[OP_COUNT];

static void take(const LaneLoop *loops)
{
    for (int op = 0; op < OP_COUNT; op++)
        if (loops[op] != NULL)
            lane_loops[op] = loops[op];
}

void load_lane_loops(void)
{
    take(called_loops);
    take(plain_loops);
#ifdef HAS_TARGETS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        take(avx2_loops);
    if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        take(avx512_loops);
#endif
}
