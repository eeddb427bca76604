# ruff: noqa: ANN001, ANN201, D103, D403, E501, N803, N806, SIM300
# mypy: ignore-errors
"""Latency simulator: per-minute log-bucket histograms of one service version before and after a deployment.

gen(rng, scale, rps, pre_d, post_h, effect, kind) -> (H[T, buckets] counts per minute, load[T] req/s, hour of day[T], index of the deployment).
scale multiplies a three-mode mixture (30, 70, 200 ms); effect is the added latency in ms after the deployment, for all requests (kind "all")
or for the slow mode only; diurnal load, OU noise, day-to-day drift, cold first minutes, traffic-mix drift, host offset.
"""

import numpy as np
from scipy.special import ndtr

GAMMA = 1.02  # bucket ratio (1 % relative accuracy)
EDGES = 0.5 * GAMMA ** np.arange(0, 560)  # 0.5 ms .. ~32 s


def cdf_mix(x, w, m, s):  # x (B,), w (T,3), m (T,3)
    out = np.zeros((w.shape[0], len(x)))
    for k in range(3):
        out += w[:, k : k + 1] * ndtr((np.log(np.maximum(x[None, :], 1e-9)) - np.log(m[:, k : k + 1])) / s[k])
    return out


def gen(
    rng,
    scale,
    rps,
    pre_d,
    post_h,
    effect,
    kind,
    ou=0.05,
    ou_tau=60.0,
    dayd=0.02,
    cold=True,
    start_min=None,
    host=0.0,
):
    """returns minute histograms H (T,B), load (T,), tod (T,), deploy index"""
    T0 = int(pre_d * 1440)
    T = T0 + int(post_h * 60)
    t = np.arange(T)
    st = rng.uniform(0, 1440) if start_min is None else start_min
    tod = (t + st) / 1440 * 24
    amp = rng.uniform(0.3, 0.7)
    pk = rng.uniform(0, 24)
    lam = rps * (1 + amp * np.cos(2 * np.pi * (tod - pk) / 24))
    day = ((t + st) // 1440).astype(int)
    lx = np.zeros(T)
    e = rng.normal(size=T)
    k = np.exp(-1 / 30.0)
    ox = np.zeros(T)
    e2 = rng.normal(size=T)
    k2 = np.exp(-1 / ou_tau)
    a = b = 0.0
    for i in range(T):
        a = k * a + np.sqrt(1 - k * k) * e[i]
        lx[i] = a
        b = k2 * b + np.sqrt(1 - k2 * k2) * e2[i]
        ox[i] = b
    lam = lam * np.exp(0.08 * lx)
    lr = lam / (rps * 1.7)
    dd = np.cumsum(rng.normal(size=day.max() + 2)) * dayd * 0.5 + rng.normal(size=day.max() + 2) * dayd
    f = (1 + 0.5 * lr**3) * np.exp(
        ou * ox + 0.02 * rng.normal(size=T) + np.interp(t + st, np.arange(len(dd)) * 1440.0, dd) + host
    )
    if cold:
        f = f * np.where(t >= T0, 1 + 0.5 * np.exp(-(t - T0) / 4.0), 1.0)
    w3 = 0.05 * (1 + 0.3 * np.cos(2 * np.pi * (tod - pk - 3) / 24))
    w1 = 0.5 * (1 + 0.1 * np.cos(2 * np.pi * (tod - pk + 5) / 24))
    W = np.column_stack([w1, 1 - w1 - w3, w3])
    M = np.column_stack([30 * f, 70 * f, 200 * f]) * scale
    S = (0.45, 0.45, 0.5)
    isn = t >= T0
    c = np.empty((T, len(EDGES)))
    if kind == "all":
        x0 = cdf_mix(EDGES, W[~isn], M[~isn], S)
        c[~isn] = x0
        c[isn] = cdf_mix(EDGES - effect, W[isn], M[isn], S)
    else:
        c[:] = cdf_mix(EDGES, W, M, S)
        if effect:
            wi = W[isn]
            z = np.zeros_like(wi)
            z[:, 2] = wi[:, 2]
            y = wi.copy()
            y[:, 2] = 0
            c[isn] = cdf_mix(EDGES, y, M[isn], S) + cdf_mix(EDGES - effect, z, M[isn], S)
    p = np.diff(np.concatenate([np.zeros((T, 1)), c], axis=1), axis=1)
    p[:, -1] += 1 - p.sum(1)
    p = np.maximum(p, 0)
    p /= p.sum(1, keepdims=True)
    n = rng.poisson(lam * 60)
    H = rng.multinomial(n, p)
    return H, n / 60.0, tod, T0


def quant(H, q):
    """interpolated quantile for each row of counts (log-linear within the bucket)"""
    C = np.cumsum(H, axis=1)
    n = C[:, -1]
    tgt = q * n
    i = np.argmax(C >= np.maximum(tgt, 1e-9)[:, None], axis=1)
    lo = np.where(i > 0, EDGES[np.maximum(i - 1, 0)], 0.45)
    cb = np.where(i > 0, C[np.arange(len(i)), np.maximum(i - 1, 0)], 0)
    h = np.maximum(H[np.arange(len(i)), i], 1)
    fr = np.clip((tgt - cb) / h, 0, 1)
    v = lo * (EDGES[i] / lo) ** fr
    return np.where(n > 0, v, np.nan)


def rebin(H, k):
    T = H.shape[0] // k * k
    return H[:T].reshape(-1, k, H.shape[1]).sum(1)


def mean_hist(H):
    mid = np.concatenate([[0.45], np.sqrt(EDGES[1:] * EDGES[:-1])])
    return (H * mid).sum(1) / np.maximum(H.sum(1), 1)
