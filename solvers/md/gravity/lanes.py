"""The two sums of a tree that cost time, each for several cells or bodies at once on the lanes of a processor.

Written in C++, whose loops over lanes a compiler turns into instructions for all of them; a GPU has one lane a thread.
"""

# mypy: disable-error-code="empty-body"

from functools import cache

import warp as wp

__all__ = ["LANES", "far", "near", "near_product"]

LANES = 8
WIDE = f"""
#if defined(__CUDA_ARCH__)
    constexpr int W = 1;
#else
    constexpr int W = {LANES};
#endif
"""


@cache
def far(dim: int, count: int, fields: int) -> wp.Function:
    """L_n += sum_k M_k D_(n + k) of up to LANES cells, see expansion.py: `cells` in rows of moment and center, into row
    `group` of local. fields: how many kinds of moments a cell has."""
    many = wp.types.vector(LANES, wp.int32)
    snippet = f"""
    {WIDE}
    constexpr int C = {count}, F = {fields}, DIM = {dim};
    for (int base = 0; base < number; base += W) {{
        double D[C][W], M[C][W], d[DIM][W], inv2[W], weight[W];
        int at[W];
        for (int l = 0; l < W; ++l) {{
            const bool real = base + l < number;
            at[l] = cells[real ? base + l : base];
            weight[l] = real ? 1.0 : 0.0;
            double square = soft2;
            for (int i = 0; i < DIM; ++i) {{
                d[i][l] = center.data[target * DIM + i] - center.data[at[l] * DIM + i];
                square += d[i][l] * d[i][l];
            }}
            inv2[l] = 1.0 / square;
            D[0][l] = sqrt(inv2[l]);
        }}
        for (int k = 1; k < C; ++k) {{
            const int* b = before.data + k * 2 * DIM;
            const double* f = factor.data + k * 2 * DIM;
            double sum[W];
            for (int l = 0; l < W; ++l) sum[l] = 0.0;
            for (int i = 0; i < DIM; ++i) {{
                if (f[i] != 0.0)
                    for (int l = 0; l < W; ++l) sum[l] += f[i] * d[i][l] * D[b[i]][l];
                if (f[DIM + i] != 0.0)
                    for (int l = 0; l < W; ++l) sum[l] += f[DIM + i] * D[b[DIM + i]][l];
            }}
            for (int l = 0; l < W; ++l) D[k][l] = inv2[l] * sum[l];
        }}
        for (int field = 0; field < F; ++field) {{
            for (int l = 0; l < W; ++l)
                for (int k = 0; k < C; ++k) M[k][l] = weight[l] * moment.data[(at[l] * F + field) * C + k];
            double* out = local.data + (group * F + field) * C;
            for (int n = 0; n < C; ++n) {{
                const int* row = sums.data + n * C;
                const int end = upto.data[n];
                double sum[W];
                for (int l = 0; l < W; ++l) sum[l] = 0.0;
                for (int k = 0; k < end; ++k)
                    for (int l = 0; l < W; ++l) sum[l] += M[k][l] * D[row[k]][l];
                double total = 0.0;
                for (int l = 0; l < W; ++l) total += sum[l];
                out[n] += total;
            }}
        }}
    }}
    """

    @wp.func_native(snippet)
    def function(
        cells: many,
        number: int,
        group: int,
        target: int,
        soft2: wp.float64,
        center: wp.array2d[wp.float64],
        moment: wp.array3d[wp.float64],
        before: wp.array2d[wp.int32],
        factor: wp.array2d[wp.float64],
        sums: wp.array2d[wp.int32],
        upto: wp.array[wp.int32],
        local: wp.array3d[wp.float64],
    ): ...

    return function


@cache
def near(dim: int) -> wp.Function:
    """grad and value of sum_j m_j / s at bodies [first, last) by bodies [begin, end), added to the columns of `out`
    [dim + 1, body]; x [dim, body]. A body does nothing to itself."""
    snippet = f"""
    {WIDE}
    constexpr int DIM = {dim};
    for (int i0 = first; i0 < last; i0 += W) {{
        double at[DIM][W], sum[DIM + 1][W];
        for (int l = 0; l < W; ++l) {{
            const int i = i0 + l < last ? i0 + l : last - 1;
            for (int a = 0; a < DIM; ++a) at[a][l] = x.data[a * bodies + i];
            for (int a = 0; a <= DIM; ++a) sum[a][l] = 0.0;
        }}
        for (int j = begin; j < end; ++j) {{
            double d[DIM][W], square[W];
            for (int l = 0; l < W; ++l) square[l] = soft2;
            for (int a = 0; a < DIM; ++a)
                for (int l = 0; l < W; ++l) {{
                    d[a][l] = at[a][l] - x.data[a * bodies + j];
                    square[l] += d[a][l] * d[a][l];
                }}
            for (int l = 0; l < W; ++l) {{
                const double own = i0 + l == j ? 1.0 : 0.0;
                const double inv = (1.0 - own) / sqrt(square[l] + own);
                const double u = mass.data[j] * inv;
                const double pull = u * inv * inv;
                for (int a = 0; a < DIM; ++a) sum[a][l] -= pull * d[a][l];
                sum[DIM][l] += u;
            }}
        }}
        for (int l = 0; l < W && i0 + l < last; ++l)
            for (int a = 0; a <= DIM; ++a) out.data[a * bodies + i0 + l] += sum[a][l];
    }}
    """

    @wp.func_native(snippet)
    def function(
        first: int,
        last: int,
        begin: int,
        end: int,
        bodies: int,
        soft2: wp.float64,
        mass: wp.array[wp.float64],
        x: wp.array2d[wp.float64],
        out: wp.array2d[wp.float64],
    ): ...

    return function


@cache
def near_product(dim: int) -> wp.Function:
    """Likewise -sum_j m_j [dw / s^3 - 3 (d.dw) d / s^5] and -sum_j m_j (d.dw) / s^3, with dw = w_i - w_j."""
    snippet = f"""
    {WIDE}
    constexpr int DIM = {dim};
    for (int i0 = first; i0 < last; i0 += W) {{
        double at[DIM][W], by[DIM][W], sum[DIM + 1][W];
        for (int l = 0; l < W; ++l) {{
            const int i = i0 + l < last ? i0 + l : last - 1;
            for (int a = 0; a < DIM; ++a) {{
                at[a][l] = x.data[a * bodies + i];
                by[a][l] = w.data[a * bodies + i];
            }}
            for (int a = 0; a <= DIM; ++a) sum[a][l] = 0.0;
        }}
        for (int j = begin; j < end; ++j) {{
            double d[DIM][W], dw[DIM][W], square[W], along[W];
            for (int l = 0; l < W; ++l) {{
                square[l] = soft2;
                along[l] = 0.0;
            }}
            for (int a = 0; a < DIM; ++a)
                for (int l = 0; l < W; ++l) {{
                    d[a][l] = at[a][l] - x.data[a * bodies + j];
                    dw[a][l] = by[a][l] - w.data[a * bodies + j];
                    square[l] += d[a][l] * d[a][l];
                    along[l] += d[a][l] * dw[a][l];
                }}
            for (int l = 0; l < W; ++l) {{
                const double own = i0 + l == j ? 1.0 : 0.0;
                const double inv2 = (1.0 - own) / (square[l] + own);
                const double pull = mass.data[j] * inv2 * sqrt(inv2);
                const double turn = 3.0 * along[l] * inv2;
                for (int a = 0; a < DIM; ++a) sum[a][l] -= pull * (dw[a][l] - turn * d[a][l]);
                sum[DIM][l] -= pull * along[l];
            }}
        }}
        for (int l = 0; l < W && i0 + l < last; ++l)
            for (int a = 0; a <= DIM; ++a) out.data[a * bodies + i0 + l] += sum[a][l];
    }}
    """

    @wp.func_native(snippet)
    def function(
        first: int,
        last: int,
        begin: int,
        end: int,
        bodies: int,
        soft2: wp.float64,
        mass: wp.array[wp.float64],
        x: wp.array2d[wp.float64],
        w: wp.array2d[wp.float64],
        out: wp.array2d[wp.float64],
    ): ...

    return function
