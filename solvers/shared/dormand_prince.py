"""The pair of orders 5 and 4 of Dormand and Prince [1980, J. Comput. Appl. Math. 6, 19-26].

Stage i begins from  y + dt sum_j ROWS[i][j] f_j  at  t + NODES[i] dt; the first one is y itself. The last row is the
result, and f there the seventh slope, which only the estimate of the error needs:  dt sum_j ESTIMATE[j] f_j, of order 5
in dt. On the negative real axis the method is stable up to 3.3, on the imaginary one up to 0.99.
"""

__all__ = ["ESTIMATE", "ESTIMATE_ORDER", "FOURTH", "NODES", "ROWS"]

NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
ROWS: tuple[tuple[float, ...], ...] = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
FOURTH = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)
ESTIMATE = tuple(best - less for best, less in zip((*ROWS[-1], 0.0), FOURTH, strict=True))
ESTIMATE_ORDER = 5
