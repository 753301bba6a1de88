/* The workloads of bench/native.py as a C programmer would write them: adjoints by hand, blocks of
 * examples that compilers turn into vectors, no memory but a block's own.
 *
 * gcc -O3 -march=native -ffast-math -mprefer-vector-width=512 -fopenmp-simd -shared -fPIC hand.c \
 *     -o hand.so -lmvec -lm
 */

#include <math.h>
#include <string.h>

#define BLOCK 32
#define EACH for (int l = 0; l < BLOCK; l++)

typedef double lanes[BLOCK] __attribute__((aligned(64)));

/* --- w1: a perceptron 2-16-16-1, squared error summed over the examples ------------------------- */

enum { WIDE = 16, FIRST = 3 * WIDE, SECOND = (WIDE + 1) * WIDE, PARAMETERS = FIRST + SECOND + WIDE + 1 };

typedef struct {
    lanes x[2], first[WIDE], second[WIDE], out;
} Forward;

static inline void forward(const double *restrict p, Forward *restrict f)
{
    for (int j = 0; j < WIDE; j++, p += 3)
        EACH f->first[j][l] = p[2] + p[0] * f->x[0][l] + p[1] * f->x[1][l];
    for (int j = 0; j < WIDE; j++)
        EACH f->first[j][l] = tanh(f->first[j][l]);
    for (int j = 0; j < WIDE; j += 2, p += 2 * (WIDE + 1)) {
        double s[BLOCK], t[BLOCK];
        const double *q = p + WIDE + 1;
        EACH { s[l] = p[WIDE]; t[l] = q[WIDE]; }
        for (int i = 0; i < WIDE; i++)
            EACH { s[l] += p[i] * f->first[i][l]; t[l] += q[i] * f->first[i][l]; }
        EACH { f->second[j][l] = s[l]; f->second[j + 1][l] = t[l]; }
    }
    for (int j = 0; j < WIDE; j++)
        EACH f->second[j][l] = tanh(f->second[j][l]);
    EACH f->out[l] = p[WIDE];
    for (int i = 0; i < WIDE; i++)
        EACH f->out[l] += p[i] * f->second[i][l];
}

/* in: x1, x2 and the target, n of each, n a multiple of BLOCK. */
double w1_value(long n, const double *restrict in, const double *restrict p)
{
    lanes total = {0};
    for (long at = 0; at < n; at += BLOCK) {
        Forward f;
        memcpy(f.x[0], in + at, sizeof f.x[0]);
        memcpy(f.x[1], in + n + at, sizeof f.x[1]);
        forward(p, &f);
        EACH { double d = f.out[l] - in[2 * n + at + l]; total[l] += d * d; }
    }
    double sum = 0.0;
    EACH sum += total[l];
    return sum;
}

double w1(long n, const double *restrict in, const double *restrict p, double *restrict gradient)
{
    double g[PARAMETERS] = {0}, sum = 0.0;
    const double *p2 = p + FIRST, *p3 = p2 + SECOND;
    double *g2 = g + FIRST, *g3 = g2 + SECOND;
    for (long at = 0; at < n; at += BLOCK) {
        Forward f;
        lanes back[WIDE], d, e;
        memcpy(f.x[0], in + at, sizeof f.x[0]);
        memcpy(f.x[1], in + n + at, sizeof f.x[1]);
        forward(p, &f);
        memset(back, 0, sizeof back);
        double of_bias = 0.0;
        EACH {
            d[l] = f.out[l] - in[2 * n + at + l];
            sum += d[l] * d[l];
            d[l] *= 2.0;
            of_bias += d[l];
        }
        g3[WIDE] += of_bias;
        for (int j = 0; j < WIDE; j++) {
            const double *w = p2 + (WIDE + 1) * j;
            double s = 0.0, bias = 0.0;
            EACH {
                s += d[l] * f.second[j][l];
                e[l] = d[l] * p3[j] * (1.0 - f.second[j][l] * f.second[j][l]);
                bias += e[l];
            }
            g3[j] += s;
            g2[(WIDE + 1) * j + WIDE] += bias;
            for (int i = 0; i < WIDE; i++) {
                double t = 0.0;
                EACH { t += e[l] * f.first[i][l]; back[i][l] += w[i] * e[l]; }
                g2[(WIDE + 1) * j + i] += t;
            }
        }
        for (int i = 0; i < WIDE; i++) {
            double s = 0.0, t = 0.0, bias = 0.0;
            EACH {
                double b = back[i][l] * (1.0 - f.first[i][l] * f.first[i][l]);
                s += b * f.x[0][l];
                t += b * f.x[1][l];
                bias += b;
            }
            g[3 * i] += s;
            g[3 * i + 1] += t;
            g[3 * i + 2] += bias;
        }
    }
    memcpy(gradient, g, sizeof g);
    return sum;
}

/* --- w2: the Black-Scholes price of a call, and its five derivatives ---------------------------- */

static const double ROOT_HALF = 0.7071067811865476, DENSITY = 0.3989422804014327;

/* in: price, strike, time, rate, volatility; out: the value, and the derivatives by those. */
void w2(long n, const double *restrict in, double *restrict out)
{
    const double *S = in, *K = in + n, *T = in + 2 * n, *R = in + 3 * n, *V = in + 4 * n;
#pragma omp simd
    for (long i = 0; i < n; i++) {
        double root = sqrt(T[i]), spread = V[i] * root, drift = R[i] + 0.5 * V[i] * V[i];
        double d1 = (log(S[i] / K[i]) + drift * T[i]) / spread, d2 = d1 - spread;
        double n1 = 0.5 + 0.5 * erf(d1 * ROOT_HALF), n2 = 0.5 + 0.5 * erf(d2 * ROOT_HALF);
        double discount = exp(-R[i] * T[i]), present = K[i] * discount;
        out[i] = S[i] * n1 - present * n2;
        double a1 = S[i] * DENSITY * exp(-0.5 * d1 * d1);
        double a2 = -present * DENSITY * exp(-0.5 * d2 * d2);
        double u = (a1 + a2) / spread, of_spread = -a2 - u * d1, of_discount = -n2 * K[i];
        out[n + i] = n1 + u / S[i];
        out[2 * n + i] = -n2 * discount - u / K[i];
        out[3 * n + i] = u * drift + of_spread * V[i] * 0.5 / root - of_discount * discount * R[i];
        out[4 * n + i] = u * T[i] - of_discount * discount * T[i];
        out[5 * n + i] = u * T[i] * V[i] + of_spread * root;
    }
}

void w2_value(long n, const double *restrict in, double *restrict out)
{
    const double *S = in, *K = in + n, *T = in + 2 * n, *R = in + 3 * n, *V = in + 4 * n;
#pragma omp simd
    for (long i = 0; i < n; i++) {
        double spread = V[i] * sqrt(T[i]);
        double d1 = (log(S[i] / K[i]) + (R[i] + 0.5 * V[i] * V[i]) * T[i]) / spread, d2 = d1 - spread;
        out[i] = S[i] * (0.5 + 0.5 * erf(d1 * ROOT_HALF))
                 - K[i] * exp(-R[i] * T[i]) * (0.5 + 0.5 * erf(d2 * ROOT_HALF));
    }
}

/* --- w3: Lotka-Volterra, 100 Runge-Kutta steps; the squared end by rates and start -------------- */

#define STEPS 100
#define SETS 16
#define OVER for (int l = 0; l < SETS; l++)

typedef double sets[SETS] __attribute__((aligned(64)));

typedef struct {
    sets a, b, d, c, x, y;
} State;

static const double H = 0.01;

static inline void load(long n, const double *restrict in, long at, State *restrict s)
{
    OVER {
        s->a[l] = in[at + l];
        s->b[l] = in[n + at + l];
        s->d[l] = in[2 * n + at + l];
        s->c[l] = in[3 * n + at + l];
        s->x[l] = in[4 * n + at + l];
        s->y[l] = in[5 * n + at + l];
    }
}

/* All steps; X and Y, if there are any, get the places that slopes are taken at. */
static inline void integrate(State *restrict f, sets (*restrict X)[4], sets (*restrict Y)[4])
{
    static const double ahead[4] = {0.5, 0.5, 1.0, 0.0}, weight[4] = {1.0, 2.0, 2.0, 1.0};
    for (int s = 0; s < STEPS; s++)
        OVER {
            double x1 = f->x[l], y1 = f->y[l], sum_x = 0.0, sum_y = 0.0, px = x1, py = y1;
            for (int k = 0; k < 4; k++) {
                if (X) {
                    X[s][k][l] = px;
                    Y[s][k][l] = py;
                }
                double kx = px * (f->a[l] - f->b[l] * py), ky = py * (f->d[l] * px - f->c[l]);
                sum_x += weight[k] * kx;
                sum_y += weight[k] * ky;
                px = x1 + ahead[k] * H * kx;
                py = y1 + ahead[k] * H * ky;
            }
            f->x[l] = x1 + H / 6 * sum_x;
            f->y[l] = y1 + H / 6 * sum_y;
        }
}

/* in: a, b, d, c, x, y, n of each, a multiple of SETS; out: the value, and the derivatives. */
void w3(long n, const double *restrict in, double *restrict out)
{
    static __thread sets X[STEPS][4], Y[STEPS][4];
    for (long at = 0; at < n; at += SETS) {
        State f;
        load(n, in, at, &f);
        integrate(&f, X, Y);
        sets ga = {0}, gb = {0}, gd = {0}, gc = {0}, gx, gy;
        OVER {
            out[at + l] = f.x[l] * f.x[l] + f.y[l] * f.y[l];
            gx[l] = 2 * f.x[l];
            gy[l] = 2 * f.y[l];
        }
        for (int s = STEPS - 1; s >= 0; s--)
            OVER {
                const double end_x = gx[l], end_y = gy[l];
                static const double weight[4] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
                static const double behind[4] = {0.5, 0.5, 1.0, 0.0};
                double ux = 0.0, uy = 0.0;
                for (int k = 3; k >= 0; k--) {
                    double bx = H * (weight[k] * end_x + behind[k] * ux);
                    double by = H * (weight[k] * end_y + behind[k] * uy);
                    double px = X[s][k][l], py = Y[s][k][l], t = bx * px, u = by * py;
                    ga[l] += t;
                    gb[l] -= t * py;
                    gd[l] += u * px;
                    gc[l] -= u;
                    ux = bx * (f.a[l] - f.b[l] * py) + u * f.d[l];
                    uy = by * (f.d[l] * px - f.c[l]) - t * f.b[l];
                    gx[l] += ux;
                    gy[l] += uy;
                }
            }
        const double *found[6] = {ga, gb, gd, gc, gx, gy};
        for (int k = 0; k < 6; k++)
            memcpy(out + (k + 1) * n + at, found[k], sizeof ga);
    }
}

void w3_value(long n, const double *restrict in, double *restrict out)
{
    for (long at = 0; at < n; at += SETS) {
        State f;
        load(n, in, at, &f);
        integrate(&f, NULL, NULL);
        OVER out[at + l] = f.x[l] * f.x[l] + f.y[l] * f.y[l];
    }
}
