/* Random orthogonal matrices, uniform (Haar): Stewart, "The efficient generation of random orthogonal matrices with an
 * application to condition estimators" (1980). If R is thrown away, the QR decomposition of a normal matrix need not be
 * computed: its reflections are those of normal vectors, each one shorter than the one before, and can be drawn.
 *
 *   Q = H_0 H_1 ... H_(k-1) D,  H_i = I - v_i v_i',  |v_i|^2 = 2;  D diagonal, of signs
 *
 * H_i takes the normal vector x_i to a multiple of the unit vector e_i: v_i is x_i + sign |x_i| e_i, scaled, with the
 * sign of x_i's first component. D makes R's diagonal positive: Mezzadri, "How to generate random matrices from the
 * classical compact groups" (2007). The rows of the matrix made here, k rows of m >= k numbers, are the columns of Q.
 *
 * Reflections come in blocks of 64, the last block first. A block's product is I - V L' V' (the compact WY form:
 * Schreiber and Van Loan 1989, with Puglisi's L = (I + the strict lower part of V'V)^-1, 1992), and applying it is
 * three products of matrices:
 *
 *           b = 64 number      m                       reflections
 *        +-------+-------+-------+                       0     64
 *        |       |       |       |               b     +------+
 *        |       |       |       |                     | \  0 |
 *     b  +-------+-------+-------+                     |   \  |
 *        |   0   | D     |   0   |  rows that begin    |     \|
 *   b+64 +-------+-------+-------+               V  =  |      |    C <- C - ((C V) L) V'
 *        |   0   |   0   |   C   |  rows so far        |      |
 *        |       |       |       |                     |      |
 *     k  +-------+-------+-------+               m     +------+
 *
 * Component r of vector c of a block is normal number 64 (number M + r) + c of the stream, M the rows of the largest V
 * rounded up to 64: V is drawn in place. Matrices are cut into blocks of 64 x 64, and every long sum is one of 64 terms
 * in sequence, added to that of the 64 before: the same bits whatever the vectors, tiles and threads. No row looks at
 * another, so some rows alone are the same rows.
 *
 * Complex numbers. A complex reflection acts on pairs (re, im) as two real ones, of v = (re, im, ...) and
 * iv = (-im, re, ...), which are orthogonal. So there are 2k reflections of vectors of 2m numbers, and row j begins
 * as a complex number of size 1 in the places 2j and 2j + 1.
 */
#ifndef FI_ORTHOGONAL_H
#define FI_ORTHOGONAL_H

#include "core.h"

enum { FI_BLOCK = 64 };

/* One block of reflections. Of complex numbers columns c and c + 1 are a pair, which the even one stands for. */
struct fi_reflections {
    int n, parts;             /* reflections, FI_BLOCK at most; 2 of complex numbers */
    fi_key key;               /* of the normals, */
    uint64_t place, length;   /* where the first of them stands in the stream; rows of V */
    double gain;              /* 1, but in the last block that is applied */
    void *v, *transposed;     /* V, zeros to the end of its last block; its blocks, each transposed */
    void *lower;              /* V'V, then L */
    double squares[FI_BLOCK]; /* |x|^2; then |v|^2 but for v's own component */
    double scale[FI_BLOCK];   /* v / x */
    double own[2][FI_BLOCK];  /* re, im of v's own component */
    double turn[2][FI_BLOCK]; /* re, im of D */
};

/* What a worker needs: two blocks of numbers. */
enum { FI_REFLECT_SCRATCH = 2 * FI_BLOCK * FI_BLOCK };

#endif
