// The rival in C++: the propagation unit as plain nested loops, the vectors left to the compiler.
//
// Four directions, three-way, "clip", max; float32. x, y, grad, dx (planes, height, width), gates, dgates
// (4, 3, planes, height, width), winner (planes, height, width). Planes are spread over the cores.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

struct Map {
    int planes, height, width;
    size_t pixels() const { return size_t(height) * width; }
};

// Where pixel (t, k) of a scan lies: `first + t * step + k * lane`. A template, so that a lane of 1 is vectorised.
template <bool horizontal>
struct Scan {
    int steps, lanes;
    ptrdiff_t first, step, lane;

    Scan(Map map, bool reverse)
        : steps(horizontal ? map.width : map.height), lanes(horizontal ? map.height : map.width) {
        step = horizontal ? 1 : map.width;
        lane = horizontal ? map.width : 1;
        first = reverse ? (steps - 1) * step : 0;
        if (reverse) step = -step;
    }
    ptrdiff_t row(int t) const { return first + t * step; }
    int padded() const { return lanes + 2; }
};

struct Gates {
    const float* at;
    size_t gap;  // from one connection to the next
};

struct Weights {
    float s, low, middle, high;
    Weights(Gates g, ptrdiff_t i) : low(g.at[i]), middle(g.at[i + g.gap]), high(g.at[i + 2 * g.gap]) {
        s = std::fabs(low) + std::fabs(middle) + std::fabs(high);
        const float r = s > 1 ? 1 / s : 1;
        low *= r, middle *= r, high *= r;
    }
};

// Hidden rows of one direction, `kept` of them in turn, each with a pixel of padding at both ends.
template <bool horizontal, class Done>
void scan(Scan<horizontal> s, const float* __restrict x, Gates g, float* hidden, int kept, Done done) {
    const ptrdiff_t lane = horizontal ? s.lane : 1;
    for (int t = 0; t < s.steps; t++) {
        float* __restrict h = hidden + size_t(t % kept) * s.padded() + 1;
        const float* __restrict before = hidden + size_t((t + kept - 1) % kept) * s.padded() + 1;
        const ptrdiff_t row = s.row(t);
        auto pixel = [&](int k, bool lower, bool upper) {
            const ptrdiff_t i = row + k * lane;
            const Weights p(g, i);
            const float own = x[i];
            float sum = own + p.middle * (before[k] - own);
            if (lower) sum += p.low * (before[k - 1] - own);
            if (upper) sum += p.high * (before[k + 1] - own);
            h[k] = sum;
        };
        if (t == 0) {
            for (int k = 0; k < s.lanes; k++) h[k] = x[row + k * lane];
        } else {
            pixel(0, false, s.lanes > 1);
            for (int k = 1; k < s.lanes - 1; k++) pixel(k, true, true);
            if (s.lanes > 1) pixel(s.lanes - 1, true, false);
        }
        done(t, h);
    }
}

template <bool horizontal>
void forward(Map map, bool reverse, int d, const float* x, Gates g, float* __restrict y, uint8_t* __restrict winner,
             std::vector<float>& hidden) {
    const Scan<horizontal> s(map, reverse);
    const ptrdiff_t lane = horizontal ? s.lane : 1;
    hidden.resize(2 * size_t(s.padded()));
    scan<horizontal>(s, x, g, hidden.data(), 2, [&](int t, const float* __restrict h) {
        float* __restrict to = y + s.row(t);
        if (winner) {
            uint8_t* __restrict won = winner + s.row(t);
            for (int k = 0; k < s.lanes; k++)
                won[k * lane] = d == 0 || h[k] > to[k * lane] ? uint8_t(d) : won[k * lane];
        }
        for (int k = 0; k < s.lanes; k++) to[k * lane] = d == 0 || h[k] > to[k * lane] ? h[k] : to[k * lane];
    });
}

template <bool horizontal>
void backward(Map map, bool reverse, int d, const float* __restrict grad, const uint8_t* __restrict winner,
              const float* __restrict x, Gates g, float* __restrict dx, float* __restrict dg,
              std::vector<float>& hidden, std::vector<float>& sent) {
    const Scan<horizontal> s(map, reverse);
    const ptrdiff_t lane = horizontal ? s.lane : 1;
    const int padded = s.padded();
    hidden.resize(size_t(s.steps) * padded);
    scan<horizontal>(s, x, g, hidden.data(), s.steps, [](int, const float*) {});
    sent.assign(6 * size_t(padded), 0);  // what a step sends to the one before: three rows, two of each in turn
    for (int t = s.steps - 1; t >= 0; t--) {
        const float* __restrict from = sent.data() + size_t((t + 1) % 2) * 3 * padded + 1;
        float* __restrict to = sent.data() + size_t(t % 2) * 3 * padded + 1;
        const float* __restrict before = hidden.data() + size_t(t > 0 ? t - 1 : 0) * padded + 1;
        const ptrdiff_t row = s.row(t);
        auto pixel = [&](int k, bool lower, bool upper) {
            const ptrdiff_t i = row + k * lane;
            const float own = x[i];
            const float a = (winner[i] == d ? grad[i] : 0) + from[k + 1] + from[padded + k] + from[2 * padded + k - 1];
            float inside = 0, e[3] = {0, 0, 0};
            if (t > 0) {
                const Weights p(g, i);
                const float w[3] = {lower ? p.low : 0, p.middle, upper ? p.high : 0};
                if (lower) e[0] = a * (before[k - 1] - own);
                e[1] = a * (before[k] - own);
                if (upper) e[2] = a * (before[k + 1] - own);
                inside = w[0] + w[1] + w[2];
                const float dot = w[0] * e[0] + w[1] * e[1] + w[2] * e[2];
                for (int o = 0; o < 3; o++) {
                    const float clipped = (e[o] - std::copysign(dot, g.at[i + o * g.gap] * dot)) / p.s;
                    e[o] = p.s > 1 ? clipped : e[o];
                    to[o * padded + k] = w[o] * a;
                }
            }
            for (int o = 0; o < 3; o++) dg[i + o * g.gap] = e[o];
            dx[i] = (d == 0 ? 0 : dx[i]) + a * (1 - inside);
        };
        pixel(0, false, s.lanes > 1);
        for (int k = 1; k < s.lanes - 1; k++) pixel(k, true, true);
        if (s.lanes > 1) pixel(s.lanes - 1, true, false);
    }
}

}  // namespace

extern "C" void columns_forward(const float* x, const float* gates, float* y, uint8_t* winner, int planes, int height,
                                int width) {
    const Map map{planes, height, width};
    const size_t pixels = map.pixels(), gap = planes * pixels;
#pragma omp parallel for
    for (int c = 0; c < planes; c++) {
        static thread_local std::vector<float> hidden;
        const size_t at = c * pixels;
        uint8_t* won = winner ? winner + at : nullptr;
        for (int d = 0; d < 4; d++) {
            const Gates g{gates + 3 * d * gap + at, gap};
            if (d < 2) forward<true>(map, d % 2, d, x + at, g, y + at, won, hidden);
            else forward<false>(map, d % 2, d, x + at, g, y + at, won, hidden);
        }
    }
}

extern "C" void columns_backward(const float* grad, const uint8_t* winner, const float* x, const float* gates,
                                 float* dx, float* dgates, int planes, int height, int width) {
    const Map map{planes, height, width};
    const size_t pixels = map.pixels(), gap = planes * pixels;
#pragma omp parallel for
    for (int c = 0; c < planes; c++) {
        static thread_local std::vector<float> hidden, sent;
        const size_t at = c * pixels;
        for (int d = 0; d < 4; d++) {
            const size_t from = 3 * d * gap + at;
            const Gates g{gates + from, gap};
            auto run = d < 2 ? backward<true> : backward<false>;
            run(map, d % 2, d, grad + at, winner + at, x + at, g, dx + at, dgates + from, hidden, sent);
        }
    }
}
