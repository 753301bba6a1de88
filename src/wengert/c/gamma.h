/* The gamma family for exported code, in the formulas of special.py, within a few ulp of it.

   The arrays digamma_series, lgamma_at_1, lgamma_at_2, bernoulli and digamma_zero are those of
   special.py: whoever includes this writes them in front of it. */

#ifndef WENGERT_GAMMA_H
#define WENGERT_GAMMA_H

#include <math.h>

#include "scalars.h"

/* A polynomial, the constant coefficient first. */
static inline double polynomial(const double *coefficients, int count, double x)
{
    double total = 0.0;
    for (int k = count - 1; k >= 0; --k)
        total = total * x + coefficients[k];
    return total;
}

/* A sum with a correction for what rounding loses (Neumaier 1974). */
static inline double compensated(const double *terms, int count)
{
    double total = 0.0, lost = 0.0;
    for (int k = 0; k < count; ++k) {
        double next = total + terms[k];
        if (fabs(total) >= fabs(terms[k]))
            lost += (total - next) + terms[k];
        else
            lost += (terms[k] - next) + total;
        total = next;
    }
    return lost == lost ? total + lost : total;
}

/* The derivative of lgamma at x > 0. */
static inline double digamma_above(double x)
{
    double terms[16];
    int count = 0;
    double from_zero = (x - digamma_zero[0]) - digamma_zero[1];
    if (fabs(from_zero) < 0.5)
        return from_zero * polynomial(digamma_series, 39, from_zero);
    if (x != x || x > 1e300)
        return log(x);
    for (; x < 12.0; x += 1.0)
        terms[count++] = -1.0 / x;
    double square = 1.0 / (x * x), tail = 0.0;
    for (int k = 8; k >= 1; --k)
        tail = tail * square - bernoulli[k - 1] / (2 * k);
    terms[count++] = log(x);
    terms[count++] = -0.5 / x;
    terms[count++] = tail * square;
    return compensated(terms, count);
}

/* The n-th derivative of digamma at x > 0, n >= 1. */
static inline double polygamma_above(double x, int n)
{
    double terms[144];
    int count = 0;
    double rising = 0.5 * (n + 1); /* (n+1)(n+2)...(n+2k-1) / (2k)! */
    if (x != x)
        return x;
    for (; x < 12.0 + n; x += 1.0)
        terms[count++] = pow(x, -(n + 1.0));
    terms[count++] = pow(x, -n) / n;
    terms[count++] = 0.5 * pow(x, -(n + 1.0));
    for (int k = 1; k <= 13; ++k) {
        if (k > 1)
            rising *= (n + 2.0 * k - 2.0) * (n + 2.0 * k - 1.0) / ((2.0 * k - 1.0) * (2.0 * k));
        terms[count++] = bernoulli[k - 1] * rising * pow(x, -(n + 2.0 * k));
    }
    return (n % 2 ? 1.0 : -1.0) * tgamma(n + 1.0) * compensated(terms, count);
}

/* polygamma (n = 0: digamma) at x <= 0, from its value at 1 - x. */
static inline double polygamma_reflected(double x, int n)
{
    const double pi = 3.141592653589793;
    double derivative[103] = {0.0, 1.0}; /* of cot(t), n times, a polynomial in cot(t) */
    if (x == -(double)INFINITY)
        return (double)NAN;
    if (x == 0.0 && n % 2 == 0)
        return -copysign((double)INFINITY, x);
    if (x == floor(x))
        return n % 2 ? (double)INFINITY : (double)NAN;
    for (int order = 0; order < n; ++order) {
        double slope[103] = {0.0};
        for (int k = 1; k <= order + 1; ++k) {
            slope[k - 1] -= k * derivative[k];
            slope[k + 1] -= k * derivative[k];
        }
        for (int k = 0; k <= order + 2; ++k)
            derivative[k] = slope[k];
    }
    double cot = 1.0 / tan(pi * (x - rint(x)));
    double mirrored = n ? polygamma_above(1.0 - x, n) : digamma_above(1.0 - x);
    return (n % 2 ? -mirrored : mirrored) - pow(pi, n + 1.0) * polynomial(derivative, n + 2, cot);
}

/* The derivative of lgamma. */
static inline double digamma(double x)
{
    return x <= 0.0 ? polygamma_reflected(x, 0) : digamma_above(x);
}

/* The n-th derivative of digamma, n from 1 to 100. */
static inline double polygamma(double x, double n)
{
    return x <= 0.0 ? polygamma_reflected(x, (int)n) : polygamma_above(x, (int)n);
}

/* log |gamma(x)|; not the C library's lgamma, which writes to a global variable. */
static inline double log_gamma(double x)
{
    const double pi = 3.141592653589793, half_log_tau = 0.9189385332046727;
    double product = 1.0, tail = 0.0;
    if (x != x)
        return x;
    if (x <= 0.75) {
        if (x == floor(x))
            return (double)INFINITY;
        if (x < 0.0) {
            double sine = fabs(sin(pi * (x - rint(x))));
            return log(pi / sine) - log(-x) - log_gamma(-x);
        }
        return log_gamma(x + 1.0) - log(x);
    }
    if (x < 12.0) {
        while (x >= 2.5) {
            x -= 1.0;
            product *= x;
        }
        double zero = x < 1.25 ? 1.0 : 2.0;
        double near = (x - zero) * polynomial(zero == 1.0 ? lgamma_at_1 : lgamma_at_2, 40, x - zero);
        return log(product) + near;
    }
    for (int k = 8; k >= 1; --k)
        tail = tail / (x * x) + bernoulli[k - 1] / (2 * k * (2 * k - 1));
    return (x - 0.5) * (log(x) - 1.0) + (half_log_tau - 0.5) + tail / x;
}

#endif
