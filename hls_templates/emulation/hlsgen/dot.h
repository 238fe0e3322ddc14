// Dot products of packed inputs and packed weights: the inner loops of emulation.
//
// A unit is 32 bits in every lane: two int16 (a pair) or four bytes (a quad) of consecutive inputs. The inputs of a
// dot product lie in segments, such as the rows of a window. Weights are packed into words of the same shape, in the
// order of their use: block of rows, segment, unit, row. Whatever an input holds beyond the end of its segment is
// multiplied by a weight of zero.
// Loops are run-time loops shared by all layers: code size does not depend on the model.
#ifndef HLSGEN_DOT_H
#define HLSGEN_DOT_H

#include <hlsgen/lanes.h>
#include <hlsgen/pool.h>

#define HLSGEN_SHARED static __attribute__((noinline, noclone))

namespace hlsgen {
namespace dot {

using lanes::vec;
typedef vec<int32_t> v32;

const int most_rows = 8;  // of a block: their accumulators fit the registers twice

// The blocks of n_out rows are as even as can be: all have `rows` rows, and the first `larger` one more.
template <int n_out> struct blocking {
    static const int blocks = (n_out + most_rows - 1) / most_rows;
    static const int rows = n_out / blocks, larger = n_out % blocks;
};

// ---------------------------------------------------------------------------------------- units

struct pair {
    static const int group = 2;
    HLSGEN_INLINE static v32 multiply_add(v32 acc, v32 x, v32 w) {
#if HLSGEN_SIMD
        return simd::dot(acc, x, w);
#else
        return acc + ((x << 16) >> 16) * ((w << 16) >> 16) + (x >> 16) * (w >> 16);
#endif
    }
    HLSGEN_INLINE static v32 unit(const vec<int16_t>* x) {
        const v32 even = lanes::convert<int32_t, uint16_t>((vec<uint16_t>)x[0]);
        const v32 odd = lanes::convert<int32_t, uint16_t>((vec<uint16_t>)x[1]);
        return even | odd << 16;
    }
    static int32_t weights(const int16_t* w) { return int32_t(uint32_t(uint16_t(w[0])) | uint32_t(uint16_t(w[1])) << 16); }
};

#if HLSGEN_BYTE_DOT
// Four bytes: inputs between 0 and 255, weights between -128 and 127.
struct quad {
    static const int group = 4;
    HLSGEN_INLINE static v32 multiply_add(v32 acc, v32 x, v32 w) { return simd::byte_dot(acc, x, w); }
    HLSGEN_INLINE static v32 unit(const vec<int16_t>* x) {
        const vec<int16_t> halves[2] = {x[0] | x[1] << 8, x[2] | x[3] << 8};
        return pair::unit(halves);
    }
    static int32_t weights(const int16_t* w) {
        uint32_t all = 0;
        for (int i = 0; i < group; i++) all |= uint32_t(uint8_t(w[i])) << 8 * i;
        return int32_t(all);
    }
};
#endif

// n values of a segment, n % Unit::group of them in the last unit.
template <class Unit> constexpr long units(long n) { return (n + Unit::group - 1) / Unit::group; }

// ---------------------------------------------------------------------------------------- inputs

// count segments of `length` units, `step` apart.
struct operand {
    const v32* const* segments;
    long count, length, step;
};

// ---------------------------------------------------------------------------------------- products

// Adds n > 0 units to every row's accumulator. Returns the weights that follow.
template <class Unit, int Rows>
HLSGEN_INLINE const int32_t* add_run(v32 (&acc)[Rows], const v32* x, long step, long n, const int32_t* w) {
    do {
        for (int r = 0; r < Rows; r++) acc[r] = Unit::multiply_add(acc[r], *x, lanes::broadcast<int32_t>(w[r]));
        x += step;
        w += Rows;
    } while (--n > 0);
    return w;
}

// Sums modulo 2^32, of what each row starts with and the products.
template <class Unit, int Rows>
HLSGEN_SHARED void sum_in_32(const operand& x, const int32_t* w, const int32_t* start, v32* out) {
    v32 acc[Rows];
    for (int r = 0; r < Rows; r++) acc[r] = lanes::broadcast<int32_t>(start[r]);
    long s = 0;
    do w = add_run<Unit, Rows>(acc, x.segments[s], x.step, x.length, w);
    while (++s < x.count);
    for (int r = 0; r < Rows; r++) out[r] = acc[r];
}

// Sums of 64 bits, of 0 <= start < 2^16 and the products: 2^16 * high + low. Runs of at most `run` units add up in 32
// bits; then all but the lowest 16 bits are moved to `high`. What stays is kept between -2^16 and -1, so a run may add
// anything from 2^16 - 2^31 to 2^31: every pair does.
template <class Unit, int Rows>
HLSGEN_SHARED void sum_in_64(const operand& x, const int32_t* w, const int32_t* start, long run, v32* low, v32* high) {
    v32 acc[Rows], moved[Rows] = {};
    for (int r = 0; r < Rows; r++) acc[r] = lanes::broadcast<int32_t>(start[r] - 65536);
    int32_t moves = 1;
    long s = 0;
    do {
        const v32* from = x.segments[s];
        long left = x.length;
        do {
            const long here = left < run ? left : run;
            w = add_run<Unit, Rows>(acc, from, x.step, here, w);
            from += here * x.step;
            left -= here;
            moves++;
            for (int r = 0; r < Rows; r++) {
                moved[r] += acc[r] >> 16;
                acc[r] |= -65536;
            }
        } while (left > 0);
    } while (++s < x.count);
    for (int r = 0; r < Rows; r++) {
        low[r] = acc[r];
        high[r] = moved[r] + moves;
    }
}
const long most_inputs_in_64 = (1 << 17) - 1;  // `high` then holds any sum of products of int16

// ---------------------------------------------------------------------------------------- runs

// The least and the largest input of a product.
struct range {
    int32_t low, high;
};

// How far the sum of any `run` units of one segment can go: at most `positive` times an input up, and down by
// `negative` times an input, for one sign of the input, and the reverse for the other.
struct level {
    long run;
    int64_t positive, negative;

    bool fits(range x) const {
        const int64_t limit = (int64_t(1) << 31) - (1 << 16);
        const int64_t up = x.high > 0 ? x.high : 0, down = x.low < 0 ? -int64_t(x.low) : 0;
        return positive * up + negative * down <= limit && positive * down + negative * up <= limit;
    }
};

const long least_run = 4;  // of those that `longest_aligned_run` looks at

// The longest run of least_run << k units, or of all n, in which inputs stay so small that weights of magnitude at most
// `heaviest` cannot bring a sum of 32 bits to its end; 0 if there is none. No input is -2^15.
inline __attribute__((noinline)) long longest_aligned_run(const v32* x, long n, int64_t heaviest) {
    const int64_t limit = (int64_t(1) << 31) - (1 << 16);
    long count = (n + least_run - 1) / least_run, run = 0;
    pool::scratch<v32> memory(count + 1);
    v32* sums = memory.data();  // of the magnitudes in each run
    for (long c = 0; c < count; c++) {
        v32 sum{};
        for (long i = c * least_run; i < n && i < (c + 1) * least_run; i++) {
            typedef int16_t words __attribute__((vector_size(sizeof(v32))));
            const words v = (words)x[i], minus = -v;
            sum = pair::multiply_add(sum, (v32)(v > minus ? v : minus), lanes::broadcast<int32_t>(0x10001));
        }
        sums[c] = sum;
    }
    for (long tried = least_run;; tried *= 2) {
        typedef vec<uint32_t> magnitudes;
        magnitudes top{};
        for (long c = 0; c < count; c++) {
            const magnitudes sum = (magnitudes)sums[c];
            top = sum > top ? sum : top;
        }
        uint32_t largest = 0;
        for (int l = 0; l < lanes::count; l++) largest = top[l] > largest ? top[l] : largest;
        if (largest * heaviest > limit) return run;
        run = tried;
        if (count == 1) return n;
        sums[count] = v32{};
        count = (count + 1) / 2;
        for (long c = 0; c < count; c++) sums[c] = sums[2 * c] + sums[2 * c + 1];
    }
}

}  // namespace dot
}  // namespace hlsgen

#endif
