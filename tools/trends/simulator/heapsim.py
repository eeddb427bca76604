# ruff: noqa: ANN001, ANN003, ANN201, ANN202, C408, D103, E501, E741, F841, FURB171, N803, N806, NPY002, PLR1730, PLR2004, SIM905
# mypy: ignore-errors
"""heapsim: parametric simulator of Node.js heap telemetry (7 days at 30 s takes ~10 ms).
Fitted to recordings of real Node.js 20 processes. All memory in MB, time in hours unless noted.
Mechanics: live set = base + code warm-up + bounded cache + TTL sessions (low-pass of load, shot noise) +
in-flight + OU wander + batch holds + steps + leak;  old-gen garbage accrues with promotion; mark-sweep when
old-gen used reaches V8's limit (heap-controller.cc: growing factor from gc/mutator speed, +8 MB min step,
+new-space capacity, halfway-to-max);  young-gen sawtooth from allocation rate and semi-space capacity.
"""

import numpy as np
from numba import njit

DT = 10.0  # internal step, s
OUT = 30.0  # output sampling, s


@njit(cache=True)
def _sim(seed, nsteps, P, restarts, steps_t, steps_mb, bursts):
    np.random.seed(seed)
    # unpack
    (
        base,
        limit,
        rps0,
        amp,
        tpeak,
        h2,
        wkend,
        ldsd,
        ldtau,
        growth,
        code_mb,
        code_tau,
        cache_mb,
        cache_tau,
        cache_req,
        sess_mb,
        sess_ttl,
        sess_kb,
        infl_mb,
        infl_kb,
        wander_sd,
        wander_tau,
        promo,
        alloc,
        semi,
        gcspeed,
        floatf,
        batch_mb,
        batch_every,
        batch_hold,
        batch_phase,
        leak,
        leak_req,
        leak_on,
        cache_noise,
        gcforce,
        phase0,
        leak_life,
        cache_lin,
        dep_sd,
    ) = P
    nper = int(OUT / DT)
    nout = nsteps // nper
    heap = np.empty(nout)
    load = np.empty(nout)
    rss = np.empty(nout)
    post = np.full(nout, np.nan)
    ngc = np.zeros(nout)
    life = np.empty(nout)
    livea = np.empty(nout)
    postload = np.full(nout, np.nan)
    dth = DT / 3600.0
    lx = 0.0
    kl = np.exp(-DT / ldtau)
    sl = ldsd * np.sqrt(1 - kl * kl)
    wx = 0.0
    kw = np.exp(-dth / wander_tau)
    sw = wander_sd * np.sqrt(1 - kw * kw)
    sess = 0.0
    shot = 0.0
    ks = np.exp(-dth / sess_ttl)
    ri = 0
    lifeid = 0
    up = 0.0
    cumu = 0.0
    cfill = 0.0
    leakmb = 0.0
    garbage = 0.0
    young = 0.5 * semi
    limit_old = 0.0
    lastlive = base
    first = True
    mut = promo
    com = 0.0
    oom = -1
    cnz = 0.0
    reqacc = 0.0
    minpost = np.nan
    minpl = 0.0
    gcn = 0
    sinceGC = 0.0
    bi = 0
    for k in range(nsteps):
        t = k * dth
        if ri < restarts.shape[0] and t >= restarts[ri]:
            ri += 1
            lifeid += 1
            up = 0.0
            cumu = 0.0
            cfill = 0.0
            leakmb = 0.0
            garbage = 0.0
            young = 0.5 * semi
            first = True
            com = 0.0
            sess = 0.0
            shot = 0.0
            cnz = 0.0
            sinceGC = 0.0
            base = base * (1 + 0.01 * np.random.randn())
            cache_mb = cache_mb * (1 + dep_sd * (2 * np.random.random() - 1))
            sess_mb = sess_mb * (1 + dep_sd * (2 * np.random.random() - 1))
            infl_mb = infl_mb * (1 + dep_sd * (2 * np.random.random() - 1))
        # load
        lx = kl * lx + sl * np.random.randn()
        ph = 2 * np.pi * (t + phase0 - tpeak) / 24.0
        lam = 1 + amp * np.cos(ph) + h2 * np.cos(2 * ph)
        if (int((t + phase0) // 24) % 7) >= 5:
            lam *= wkend
        lam *= 1 + growth * t / 168.0
        for b in range(bursts.shape[0]):
            if t >= bursts[b, 0] and t < bursts[b, 0] + bursts[b, 1]:
                lam *= bursts[b, 2]
        lam = max(0.02, lam) * np.exp(lx - 0.5 * ldsd * ldsd)
        nreq = (
            np.random.poisson(lam * rps0 * DT)
            if lam * rps0 * DT < 1e4
            else max(0.0, lam * rps0 * DT + np.sqrt(lam * rps0 * DT) * np.random.randn())
        )
        reqacc += nreq
        # live components
        up += dth
        cumu += lam * dth
        clk = cumu if cache_req > 0.5 else up
        dfill = (lam if cache_req > 0.5 else 1.0) * dth
        cfill = (
            min(1.0, cfill + dfill / cache_tau)
            if cache_lin > 0.5
            else cfill + (1 - cfill) * dfill / cache_tau
        )
        # mean sessions follow load through TTL; shot noise OU with sd sqrt(M*s)
        sess = ks * sess + (1 - ks) * lam * sess_mb
        shot = ks * shot + np.sqrt(max(0.0, sess) * sess_kb / 1024.0 * (1 - ks * ks)) * np.random.randn()
        infl = infl_mb * lam + np.sqrt(infl_mb * lam * infl_kb / 1024.0) * np.random.randn()
        wx = kw * wx + sw * np.random.randn()
        cnz = 0.995 * cnz + 0.0999 * np.random.randn() * cache_noise * cfill
        code = code_mb * (1 - np.exp(-up / code_tau))
        if leak > 0 and up >= leak_on and lifeid >= leak_life:
            leakmb += leak * dth * (lam if leak_req > 0.5 else 1.0)
        bh = 0.0
        if batch_mb > 0:
            x = (t + batch_phase) % batch_every
            if x < batch_hold:
                bh = batch_mb * min(1.0, x / (0.2 * batch_hold))
        st = 0.0
        for j in range(steps_t.shape[0]):
            if t >= steps_t[j]:
                st += steps_mb[j]
        live = base + code + cache_mb * cfill + cnz + sess + shot + max(0.0, infl) + wx + leakmb + bh + st
        # garbage in old generation
        prm = promo * lam * dth * 60.0  # MB per step
        garbage += prm
        turn = 0.0
        sinceGC += dth
        if first:
            limit_old = max(live * 1.0 + 24.0, min(live * 1.5, limit * 0.5))
            first = False
        old = live + garbage
        forced = gcforce > 0 and sinceGC >= gcforce
        if old >= limit_old or forced:
            # possibly several cycles in one step: only the last matters
            fl = floatf * prm * (0.3 + 0.7 * np.random.random())
            garbage = max(0.0, min(garbage, fl)) * 0.5
            lv = live + garbage
            ms = promo * lam / 60000.0 + 1e-9  # MB/ms mutator (old-gen allocation)
            R = gcspeed / ms
            a = R * 0.03
            b = a - 0.97
            mx = 1.3 + 0.7 * min(1.0, max(0.0, (limit - 128.0) / (2048.0 - 128.0))) if limit < 2048 else 4.0
            f = a / b if (b > 0 and a < b * mx) else mx
            if f < 1.1:
                f = 1.1
            limit_old = min(max(lv * f, lv + 8.0) + semi, 0.5 * (lv + limit))
            gcn += 1
            sinceGC = 0.0
            if live > 0.985 * limit and oom < 0:
                oom = k
            pv = lv + 0.3 + 0.25 * semi * np.random.random() * 0.2  # survivors in young gen at mark-sweep
            if np.isnan(minpost) or pv < minpost:
                minpost = pv
                minpl = lam
            com = max(0.9 * com + 0.1 * (lv + semi), lv * 1.02)
        old = live + garbage
        if old > com:
            com = old
        # young sawtooth
        young += alloc * lam * DT
        if young > semi:
            young = (
                np.random.random() * min(semi, young - semi + 1e-9)
                if young < 2 * semi
                else np.random.random() * semi
            )
        if (k + 1) % nper == 0:
            o = k // nper
            if o < nout:
                heap[o] = old + young
                load[o] = reqacc / OUT
                rss[o] = 45.0 + 1.03 * (com + 2 * semi) + 0.3 * np.random.randn()
                life[o] = lifeid
                livea[o] = live
                post[o] = minpost
                ngc[o] = gcn
                postload[o] = minpl * rps0
                reqacc = 0.0
                minpost = np.nan
                gcn = 0
        if oom >= 0:
            return (
                heap[: k // nper],
                load[: k // nper],
                rss[: k // nper],
                post[: k // nper],
                ngc[: k // nper],
                life[: k // nper],
                livea[: k // nper],
                oom * dth,
            )
    return heap, load, rss, post, ngc, life, livea, -1.0


NAMES = "base limit rps0 amp tpeak h2 wkend ldsd ldtau growth code_mb code_tau cache_mb cache_tau cache_req sess_mb sess_ttl sess_kb infl_mb infl_kb wander_sd wander_tau promo alloc semi gcspeed floatf batch_mb batch_every batch_hold batch_phase leak leak_req leak_on cache_noise gcforce phase0 leak_life cache_lin dep_sd".split()
CLASSES = [
    "steady",
    "diurnal",
    "cache_fast",
    "cache_slow",
    "diurnal_cache",
    "burst",
    "batch",
    "deploys",
    "growth",
    "sessions",
    "lowtraffic",
    "step",
]
STRESS = ["lru_linear", "cache_vslow"]
ALL = CLASSES + STRESS


def lu(r, a, b):
    return float(np.exp(r.uniform(np.log(a), np.log(b))))


def draw(cls, seed, leak=0.0, days=7, gcforce=0.0, restart_at=None, **over):
    """Random service of a class. Returns dict of parameters (reproducible from seed)."""
    r = np.random.default_rng([seed, ALL.index(cls)])
    limit = float(r.choice([256, 512, 768, 1024, 1536]))
    base = limit * r.uniform(0.12, 0.45)
    p = dict(
        base=base,
        limit=limit,
        rps0=lu(r, 5, 400),
        amp=r.uniform(0, 0.08),
        tpeak=r.uniform(0, 24),
        h2=0.0,
        wkend=1.0,
        ldsd=r.uniform(0.03, 0.12),
        ldtau=lu(r, 120, 3600),
        growth=0.0,
        code_mb=r.uniform(2, 12),
        code_tau=lu(r, 0.05, 0.6),
        cache_mb=0.0,
        cache_tau=1.0,
        cache_req=float(r.random() < 0.7),
        sess_mb=lu(r, 1, 30),
        sess_ttl=lu(r, 1 / 60.0, 0.5),
        sess_kb=lu(r, 2, 60),
        infl_mb=lu(r, 0.05, 4),
        infl_kb=lu(r, 10, 300),
        wander_sd=lu(r, 0.1, 1.0),
        wander_tau=lu(r, 0.1, 3),
        promo=lu(r, 0.3, 60),
        alloc=lu(r, 0.2, 40),
        semi=16.0,
        gcspeed=lu(r, 0.15, 1.0),
        floatf=r.uniform(0, 0.5),
        batch_mb=0.0,
        batch_every=1.0,
        batch_hold=0.05,
        batch_phase=r.uniform(0, 24),
        leak=leak,
        leak_req=float(r.random() < 0.7),
        leak_on=0.0,
        cache_noise=0.0,
        gcforce=gcforce,
        phase0=r.uniform(0, 168),
        leak_life=0.0,
        cache_lin=0.0,
        dep_sd=0.1,
    )
    restarts = []
    st = []
    sm = []
    bursts = []
    T = days * 24.0

    def diurnal(lo=0.2, hi=0.7):
        p.update(amp=r.uniform(lo, hi), h2=r.uniform(-0.12, 0.12), wkend=r.uniform(0.55, 1.0))

    def cache(lo, hi):
        p.update(cache_mb=min(lu(r, 5, 300), 0.3 * limit), cache_tau=lu(r, lo, hi), cache_noise=lu(r, 0.1, 2))

    if cls == "diurnal":
        diurnal()
    elif cls == "cache_fast":
        cache(0.15, 2)
    elif cls == "cache_slow":
        cache(2, 12)
    elif cls == "diurnal_cache":
        diurnal()
        cache(0.3, 12)
    elif cls == "burst":
        diurnal(0.1, 0.5)
        n = r.poisson(3 * days)
        bursts = [[r.uniform(0, T), lu(r, 0.08, 1.5), r.uniform(1.5, 4)] for _ in range(n)]
    elif cls == "batch":
        diurnal(0.1, 0.4)
        p.update(
            batch_mb=min(lu(r, 5, 150), 0.2 * limit),
            batch_every=float(r.choice([1, 4, 24])),
            batch_hold=lu(r, 0.03, 0.7),
        )
    elif cls == "deploys":
        diurnal(0.2, 0.6)
        cache(0.2, 4)
        t = 0.0
        while t < T:
            t += r.uniform(4, 48)
            restarts.append(t)
    elif cls == "growth":
        diurnal(0.2, 0.6)
        p.update(growth=r.uniform(0.1, 0.5), sess_mb=lu(r, 5, 60))
    elif cls == "sessions":
        diurnal(0.3, 0.7)
        p.update(sess_mb=lu(r, 10, 80), sess_ttl=lu(r, 1, 6))
    elif cls == "lowtraffic":
        diurnal(0.2, 0.8)
        p.update(rps0=lu(r, 0.1, 3), promo=lu(r, 0.01, 0.3), alloc=lu(r, 0.005, 0.1), sess_mb=lu(r, 0.2, 4))
    elif cls == "lru_linear":
        diurnal(0.1, 0.5)
        cache(1, 24)
        p.update(cache_lin=1.0)
    elif cls == "cache_vslow":
        diurnal(0.1, 0.5)
        cache(12, 36)
    elif cls == "step":
        diurnal(0.1, 0.4)
        n = 1 + r.integers(0, 2)
        for _ in range(n):
            st.append(r.uniform(1, T))
            sm.append(lu(r, 3, 60) if r.random() < 0.8 else -lu(r, 2, 10))
    if cls not in ("deploys",) and days >= 5 and r.random() < 0.5:
        restarts.append(r.uniform(48, T))
    if restart_at is not None:
        restarts = list(restart_at)
    p.update(over)
    return (
        p,
        np.array(restarts, float),
        np.array(st, float),
        np.array(sm, float),
        np.array(bursts, float).reshape(-1, 3),
    )


def simulate(cls, seed, leak=0.0, days=7, gcforce=0.0, restart_at=None, **over):
    p, rs, st, sm, bu = draw(cls, seed, leak, days, gcforce, restart_at, **over)
    P = tuple(float(p[n]) for n in NAMES)
    n = int(days * 86400 / DT)
    h, l, rss, post, ngc, life, live, oom = _sim(seed % (2**31), n, P, rs, st, sm, bu)
    t = (np.arange(len(h)) + 1) * OUT / 3600.0
    return dict(
        t=t, heap=h, load=l, rss=rss, post=post, ngc=ngc, life=life, live=live, oom=oom, p=p, restarts=rs
    )


if __name__ == "__main__":
    import time

    d = simulate("diurnal", 1)
    t0 = time.time()
    for c in CLASSES:
        g = []
        m = []
        for s in range(40):
            d = simulate(c, s)
            g.append(d["ngc"].sum() / 7)
            ok = ~np.isnan(d["post"])
            m.append(np.std(np.diff(d["post"][ok])) / 1.414 if ok.sum() > 5 else np.nan)
        print(
            f"{c:14s} GC/day p5 {np.percentile(g, 5):8.1f} p50 {np.median(g):8.1f} p95 {np.percentile(g, 95):8.1f}  floor jitter MB p50 {np.nanmedian(m):.2f}  heap p50 {np.median(d['heap']):.0f} limit {d['p']['limit']}"
        )
    print("s per 7-day series", (time.time() - t0) / 480)
