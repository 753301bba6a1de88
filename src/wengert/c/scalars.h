/* Functions of doubles that the C library does not offer as Python has them. */

#ifndef WENGERT_SCALARS_H
#define WENGERT_SCALARS_H

#include <math.h>

/* Python's x % y: the remainder with the sign of y. */
static inline double floored_remainder(double x, double y)
{
    double remainder = fmod(x, y);
    if (y == 0.0)
        return (double)NAN;
    if (remainder == 0.0)
        return copysign(0.0, y);
    return (remainder < 0.0) != (y < 0.0) ? remainder + y : remainder;
}

/* Python's x // y, in the operations that Python uses; by zero, the quotient. */
static inline double floored_quotient(double x, double y)
{
    if (y == 0.0)
        return x / y;
    double remainder = fmod(x, y);
    double quotient = (x - remainder) / y;
    if (remainder != 0.0 && (remainder < 0.0) != (y < 0.0))
        quotient -= 1.0;
    if (quotient == 0.0)
        return copysign(0.0, x / y);
    double below = floor(quotient);
    return quotient - below > 0.5 ? below + 1.0 : below;
}

/* x·y, where a zero absorbs what is infinite or NaN. */
static inline double strong_product(double x, double y)
{
    double product = x * y;
    return product != product && (x == 0.0 || y == 0.0) ? 0.0 : product;
}

/* x to an integer, the twin of `power` in special.py. */
static inline double integer_power(double x, double n)
{
    if (n == 2.0)
        return x * x;
    if (n == -1.0)
        return 1.0 / x;
    return pow(x, n);
}

#endif
