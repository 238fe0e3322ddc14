// The matrix-vector product of emulation: the same sums as firmware/hlsgen/matvec.h, faster.
//
// All sums are exact modulo 2^32 or 2^64, and the contract says that the total fits sum_t; so the
// order of additions is free and intermediate overflow harmless, except where noted.
// Define HLSGEN_PLAIN_MATVEC to emulate the text of the firmware instead.
#ifdef HLSGEN_PLAIN_MATVEC
#include_next <hlsgen/matvec.h>
#endif
#ifndef HLSGEN_MATVEC_H
#define HLSGEN_MATVEC_H

#include <hlsgen/arith.h>
#include <hlsgen/dot.h>
#include <hlsgen/groups.h>
#include <hlsgen/pool.h>
#include <hlsgen/prepared.h>

namespace hlsgen {
namespace dot {

// ---------------------------------------------------------------------------------------- the path of a product

template <class A, class B, bool First> struct either { typedef A type; };
template <class A, class B> struct either<A, B, false> { typedef B type; };

enum class path { packed, words, plain };

// How the product of config C is computed.
template <class C> struct product {
    typedef typename C::input_t input_t;
    typedef typename C::weight_t weight_t;
    typedef typename C::sum_t::word word;
    typedef typename lanes::element<8 * sizeof(word), true>::type signed_word;

    static_assert(C::sum_t::frac >= input_t::frac + weight_t::frac && C::sum_t::frac >= C::bias_t::frac,
                  "matvec: sum_t has a coarser step than a product or the bias");
    static const int product_shift = C::sum_t::frac - input_t::frac - weight_t::frac;
    static const int bias_shift = C::sum_t::frac - C::bias_t::frac;

    static const bool wide = sizeof(word) > 4;
    typedef typename lanes::element<(wide ? 64 : 32), true>::type acc_word;
    typedef blocking<C::n_out> blocks;

    static const bool unsigned_16 = lanes::same<typename input_t::word, uint16_t>::value;
    static const bool words_16 = (lanes::same<typename input_t::word, int16_t>::value || unsigned_16) &&
                                 lanes::same<typename C::weight_word, int16_t>::value;
    static const path kind = sizeof(word) > 8                                      ? path::plain
                             : words_16 && (!wide || C::n_in <= most_inputs_in_64) ? path::packed
                                                                                   : path::words;
    static const bool bytes = HLSGEN_BYTE_DOT && words_16 && !wide && input_t::width <= 8 &&
                              weight_t::width + !weight_t::is_signed <= 8;

    // What a unit stores is the input minus `offset`. Unsigned 16 bits lose half of their range, so that they fit a
    // signed word: always, or where the range of inputs is looked at (for wide sums), only if there are such inputs.
#if HLSGEN_BYTE_DOT
    typedef typename either<quad, pair, bytes>::type unit;
#else
    typedef pair unit;
#endif
    static const bool late_offset = unsigned_16 && wide;
    typedef typename either<uint16_t, int16_t, late_offset>::type extent_word;
    static const int offset = bytes ? (input_t::is_signed ? -128 : 0) : unsigned_16 && !wide ? 32768 : 0;
    HLSGEN_INLINE static vec<int16_t> stored(const input_t& x) {
        if constexpr (offset < 0) return x.V + int16_t(-offset);
        else if constexpr (offset > 0) return (vec<int16_t>)(x.V ^ uint16_t(0x8000));
        else return (vec<int16_t>)x.V;
    }
};

// Wide sums of which the result drops many bits are held without the lowest `bits` of them, in 32 bits: where the
// accumulator changes nothing, and a bit at least is left below the result that says how to round. If that is not
// enough for the result's rounding mode, the lowest bit that is held says whether any at or below it is set.
template <class C> struct shortened {
    typedef product<C> P;
    typedef typename C::sum_t sum_t;
    typedef typename C::accum_t accum_t;
    typedef typename C::output_t output_t;

    static const bool is_exact = accum_t::frac >= sum_t::frac && accum_t::iwidth >= sum_t::iwidth &&
                                 accum_t::is_signed == sum_t::is_signed;
    static const bool notes_rest = output_t::qmode != AP_RND && output_t::qmode != AP_TRN;
    static const int bits = lanes::larger(sum_t::width - (sum_t::is_signed ? 31 : 30), P::product_shift + 1);
    static const int product_bits = bits - P::product_shift;  // dropped of the sum of products
    static const bool possible = P::kind == path::packed && P::wide && is_exact && product_bits <= 16 &&
                                 bits + 2 <= sum_t::frac - output_t::frac && !(notes_rest && P::product_shift > 0);
    typedef ap_fixed_base<(possible ? sum_t::width - bits : 1), sum_t::iwidth, sum_t::is_signed, AP_TRN, AP_WRAP, 0> type;
};

template <class C> using held_sum = typename either<typename shortened<C>::type, typename C::sum_t,
                                                    shortened<C>::possible>::type;

template <class E, class W> HLSGEN_INLINE E shifted(W value, int shift) {
    return shift < 8 * int(sizeof(E)) ? E(uint128(int128(value)) << shift) : E(0);
}

// ---------------------------------------------------------------------------------------- weights, packed once

// The weights of n_out rows, each of `segments` times `length` values.
struct matrix {
    const int16_t* words;
    long n_out, segments, length;

    const int16_t* segment(long row, long s) const { return words + (row * segments + s) * length; }
    long size() const { return n_out * segments * length; }
};

template <class Unit> HLSGEN_SHARED void pack_rows(const matrix& w, long first, long rows, int32_t* out) {
    for (long s = 0; s < w.segments; s++)
        for (long i = 0; i < w.length; i += Unit::group)
            for (long r = 0; r < rows; r++) {
                int16_t values[Unit::group] = {};
                const long left = w.length - i;
                __builtin_memcpy(values, w.segment(first + r, s) + i, 2 * (left < Unit::group ? left : Unit::group));
                *out++ = Unit::weights(values);
            }
}

// The largest sums of positive and of negative weights in runs of `run` units of a segment; prefixes are sums of the
// first 0, 1, ... `units` units.
inline void raise(level& l, const int64_t* positive, const int64_t* negative, long units) {
    for (long from = 0; from < units; from += l.run) {
        const long to = from + l.run < units ? from + l.run : units;
        const int64_t up = positive[to] - positive[from], down = negative[to] - negative[from];
        if (up > l.positive) l.positive = up;
        if (down > l.negative) l.negative = down;
    }
}

const int most_levels = 72;

// Fills `levels` with runs of 1 to 8, 10, 12, 14, 16, 20, ... units and, as the last, all segments at once. Returns how
// many. The first is of one unit, also where a segment has no more: its sums fit whatever the inputs are.
inline __attribute__((noinline)) int find_levels(const matrix& w, long group, level* levels) {
    const long units = (w.length + group - 1) / group;
    int count = 0;
    for (long run = 1, step = 1; (run == 1 || run < units) && count < most_levels - 1; run += step) {
        if (run == 8 * step) step *= 2;
        levels[count++] = level{run, 0, 0};
    }
    level& all = levels[count] = level{units * w.segments, 0, 0};
    pool::scratch<int64_t> memory(2 * (units + 1));
    int64_t *positive = memory.data(), *negative = positive + units + 1;
    for (long row = 0; row < w.n_out; row++) {
        int64_t row_positive = 0, row_negative = 0;
        for (long s = 0; s < w.segments; s++) {
            const int16_t* values = w.segment(row, s);
            positive[0] = negative[0] = 0;
            for (long u = 0; u < units; u++) {
                int64_t up = 0, down = 0;
                for (long i = u * group; i < (u + 1) * group && i < w.length; i++) (values[i] > 0 ? up : down) += values[i];
                positive[u + 1] = positive[u] + up;
                negative[u + 1] = negative[u] - down;
            }
            for (int l = 0; l < count; l++) raise(levels[l], positive, negative, units);
            row_positive += positive[units];
            row_negative += negative[units];
        }
        if (row_positive > all.positive) all.positive = row_positive;
        if (row_negative > all.negative) all.negative = row_negative;
    }
    return count + 1;
}

// What a row adds to its products at sum_t's step, its bias and what the offset of the inputs took away, in two parts:
// what its accumulator starts with, at the step of products, and the rest. The rest of a shortened sum has its step.
template <class C> struct row_constant {
    typedef typename product<C>::signed_word signed_word;
    static const bool starts = shortened<C>::possible || (!product<C>::wide && product<C>::product_shift == 0);

    int32_t start;
    signed_word rest;

    explicit row_constant(signed_word all) {
        if constexpr (shortened<C>::possible) {
            start = int32_t(all & ((signed_word(1) << shortened<C>::bits) - 1)) >> product<C>::product_shift;
            rest = all >> shortened<C>::bits;
        } else {
            start = starts ? int32_t(all) : 0;
            rest = starts ? signed_word(0) : all;
        }
    }
};

template <class C> struct row_constants {
    const typename product<C>::signed_word* rest;
    const int32_t* start;

    row_constants from(int row) const { return row_constants{rest + row, start + row}; }
};

// A pair of constants of config C, for inputs in `Segments` segments.
template <class C, int Segments> struct packed {
    typedef product<C> P;
    typedef typename P::signed_word signed_word;
    static const long length = C::n_in / Segments, length_in_units = units<typename P::unit>(length);

    const int32_t* words;
    row_constants<C> constants, late_constants;
    const level* levels;
    int n_levels;
    int64_t heaviest;  // the largest magnitude of a weight

    static __attribute__((noinline)) const packed* make(prepared::store& store, const typename C::weight_word* w,
                                                        const typename C::bias_word* b) {
        const matrix m = {w, C::n_out, Segments, length};
        packed* p = store.allocate<packed>(1);
        p->words = make_words(store, m);
        p->constants = make_constants(store, m, b, P::offset);
        if (P::late_offset) p->late_constants = make_constants(store, m, b, 32768);
        if (P::wide) {
            level* levels = store.allocate<level>(most_levels);
            p->n_levels = find_levels(m, P::unit::group, levels);
            p->levels = levels;
            p->heaviest = 0;
            for (long i = 0; i < m.size(); i++) {
                const int64_t magnitude = w[i] < 0 ? -int64_t(w[i]) : w[i];
                if (magnitude > p->heaviest) p->heaviest = magnitude;
            }
        }
        return p;
    }

    // The longest run whose sums fit 32 bits for inputs x, in the range `values`. A run of one unit always does.
    long longest_run(const operand& x, range values) const {
        int l = n_levels - 1;
        while (l > 0 && !levels[l].fits(values)) l--;
        const long run = levels[l].run;
        if (Segments > 1 || x.step > 1 || run >= length_in_units || values.low < -32767) return run;
        const long aligned = longest_aligned_run(x.segments[0], length_in_units, heaviest);
        return aligned > run ? aligned : run;
    }

private:
    static const int32_t* make_words(prepared::store& store, const matrix& m) {
        typedef typename P::blocks B;
        int32_t* all = store.allocate<int32_t>(size_t(C::n_out) * Segments * length_in_units);
        int32_t* next = all;
        for (int k = 0, first = 0; k < B::blocks; k++) {
            const int rows = B::rows + (k < B::larger);
            pack_rows<typename P::unit>(m, first, rows, next);
            next += rows * Segments * length_in_units;
            first += rows;
        }
        return all;
    }

    static row_constants<C> make_constants(prepared::store& store, const matrix& m, const typename C::bias_word* b,
                                           int offset) {
        signed_word* all = store.allocate<signed_word>(C::n_out);
        int32_t* starts = store.allocate<int32_t>(C::n_out);
        for (int j = 0; j < C::n_out; j++) {
            int64_t sum = 0;
            for (int i = 0; offset != 0 && i < C::n_in; i++) sum += m.words[long(j) * C::n_in + i];
            const row_constant<C> c(signed_word(shifted<signed_word>(b[j], P::bias_shift) +
                                                shifted<signed_word>(sum * offset, P::product_shift)));
            all[j] = c.rest;
            starts[j] = c.start;
        }
        return row_constants<C>{all, starts};
    }
};

// What a group of config C multiplies, as a config of its own.
template <class C> struct part : C {
    static const int n_out = outputs_of_group<C>();
    static const int groups = 1;
};
template <class C> using group_of = typename either<C, part<C>, groups_of<C>() == 1>::type;

// The constants of every group.
template <class C, int Segments> struct packed_groups {
    typedef packed<group_of<C>, Segments> form;
    const form* groups[groups_of<C>()];

    static const packed_groups& of(const typename C::weight_word* w, const typename C::bias_word* b) {
        static const char kind = 0;
        static thread_local prepared::recent<packed_groups> recent;
        return recent.find(&kind, w, b);
    }

    static __attribute__((noinline)) const packed_groups* make(prepared::store& store, const typename C::weight_word* w,
                                                               const typename C::bias_word* b) {
        packed_groups* all = store.allocate<packed_groups>(1);
        for (int g = 0; g < groups_of<C>(); g++) {
            const long first = long(g) * outputs_of_group<C>();
            all->groups[g] = form::make(store, w + first * C::n_in, b + first);
        }
        return all;
    }
};

// ---------------------------------------------------------------------------------------- packed products

// 64-bit lanes in parts that fill one register: g++ keeps longer vectors in memory.
#if HLSGEN_SIMD
const int part_bytes = HLSGEN_SIMD;
#else
const int part_bytes = 16;
#endif
typedef int64_t part64 __attribute__((vector_size(part_bytes), may_alias));
typedef int32_t part32 __attribute__((vector_size(part_bytes / 2), may_alias));

HLSGEN_INLINE part64 widened(part32 v) {
#if HLSGEN_SIMD >= 32
    return (part64)simd::widen_long((simd::i32_half)v);
#else
    return __builtin_convertvector(v, part64);
#endif
}

// A row's total at sum_t's step.
template <class C>
HLSGEN_INLINE vec<typename product<C>::word> total_of(vec<typename product<C>::acc_word> products,
                                                      typename product<C>::signed_word constant) {
    typedef product<C> P;
    constexpr int shift = P::product_shift < 8 * int(sizeof(typename P::acc_word)) ? P::product_shift : 0;
    const vec<typename P::acc_word> scaled = products << shift;
    return (vec<typename P::word>)(lanes::convert<typename P::signed_word, typename P::acc_word>(scaled) + constant);
}

// Sums of products as totals: out[r] = products[r] and the constant of the row.
template <class C>
HLSGEN_INLINE void put_totals(int n, const v32* products, row_constants<C> constants, typename C::sum_t* out) {
    typedef product<C> P;
    for (int r = 0; r < n; r++) {
        if constexpr (row_constant<C>::starts)
            out[r].V = (vec<typename P::word>)lanes::convert<typename P::signed_word, int32_t>(products[r]);
        else out[r].V = total_of<C>(products[r], constants.rest[r]);
    }
}

// The same of wide sums, which are 2^16 * high + low if they were split, else low.
template <class C, bool Split>
HLSGEN_INLINE void put_wide_totals(int n, const v32* low, const v32* high, row_constants<C> constants,
                                   typename C::sum_t* out) {
    constexpr int shift = product<C>::product_shift < 64 ? product<C>::product_shift : 0;
    constexpr int parts = 8 * lanes::count / part_bytes;
    part64* totals = reinterpret_cast<part64*>(out);
    const part32* lower = reinterpret_cast<const part32*>(low);
    const part32* upper = reinterpret_cast<const part32*>(high);
#pragma GCC unroll 1
    for (int r = 0; r < n; r++)
        for (int p = 0; p < parts; p++) {
            part64 total = widened(lower[r * parts + p]);
            if constexpr (Split) total += widened(upper[r * parts + p]) << 16;
            totals[r * parts + p] = (total << shift) + constants.rest[r];
        }
}

// The same without the lowest bits.
template <class C, bool Split>
HLSGEN_INLINE void put_shortened(int n, const v32* low, const v32* high, row_constants<C> constants,
                                 typename shortened<C>::type* out) {
    typedef shortened<C> S;
    typedef typename S::type::word word;
    constexpr int32_t rest = (int32_t(1) << S::product_bits) - 1;
    for (int r = 0; r < n; r++) {
        v32 total = (low[r] >> S::product_bits) + int32_t(constants.rest[r]);
        if constexpr (Split) total += high[r] << (16 - S::product_bits);
        if constexpr (S::notes_rest) total |= ((low[r] & rest) + rest) >> S::product_bits;
        out[r].V = (vec<word>)total;
    }
}

// One block of rows.
template <class C, int Rows>
HLSGEN_INLINE void multiply_block(const operand& x, const int32_t* w, long run, row_constants<C> constants,
                                  held_sum<C>* out) {
    typedef typename product<C>::unit unit;
    v32 low[Rows];
    if constexpr (!product<C>::wide) {
        sum_in_32<unit, Rows>(x, w, constants.start, low);
        put_totals<C>(Rows, low, constants, out);
    } else if (run < x.count * x.length) {
        v32 high[Rows];
        sum_in_64<unit, Rows>(x, w, constants.start, run, low, high);
        if constexpr (shortened<C>::possible) put_shortened<C, true>(Rows, low, high, constants, out);
        else put_wide_totals<C, true>(Rows, low, high, constants, out);
    } else {
        sum_in_32<unit, Rows>(x, w, constants.start, low);
        if constexpr (shortened<C>::possible) put_shortened<C, false>(Rows, low, low, constants, out);
        else put_wide_totals<C, false>(Rows, low, low, constants, out);
    }
}

struct no_memory {
    explicit no_memory(long) {}
    v32* data() { return nullptr; }
};

// Moves the segments to memory side by side and takes 2^15 from every unsigned input there.
inline __attribute__((noinline)) void take_offset(operand& x, const v32** segments, v32* memory) {
    for (long s = 0; s < x.count; s++) {
        const v32* from = x.segments[s];
        segments[s] = memory;
        for (long i = 0; i < x.length; i++) *memory++ = from[i * x.step] ^ int32_t(0x80008000);
    }
    x.step = 1;
}

// segments: where each begins; values: the range of the inputs as stored (unused unless sums are wide).
template <class C, int Segments>
void multiply_packed(const v32* (&segments)[Segments], long step, range values, const packed<C, Segments>& p,
                     held_sum<C>* sum) {
    typedef product<C> P;
    typedef typename P::blocks B;
    row_constants<C> constants = p.constants;
    operand x = {segments, Segments, p.length_in_units, step};
    const bool late = P::late_offset && values.high > 32767;
    typename either<pool::scratch<v32>, no_memory, P::late_offset>::type memory(late ? Segments * x.length : 0);
    if (late) {
        take_offset(x, segments, memory.data());
        values = range{values.low - 32768, values.high - 32768};
        constants = p.late_constants;
    }
    const long run = P::wide ? p.longest_run(x, values) : 0, row = Segments * p.length_in_units;
    int j = 0;
    if constexpr (B::larger > 0)
        for (; j < B::larger * (B::rows + 1); j += B::rows + 1)
            multiply_block<C, B::rows + 1>(x, p.words + j * row, run, constants.from(j), sum + j);
    for (; j < C::n_out; j += B::rows) multiply_block<C, B::rows>(x, p.words + j * row, run, constants.from(j), sum + j);
}

// The extent of stored inputs, zero included. W: int16_t, or uint16_t as long as no offset is taken.
template <class W> struct extent {
    vec<W> low{}, high{};

    HLSGEN_INLINE void add(vec<int16_t> stored) {
        const vec<W> x = (vec<W>)stored;
        low = lanes::minimum<W>(low, x);
        high = lanes::maximum<W>(high, x);
    }
    HLSGEN_INLINE range over_lanes() const {
        constexpr W top = W(W(-1) < W(0) ? 0x7fff : 0xffff);
        return range{first(low, W(~top)), first(high, top)};
    }

private:
    // The first of the lanes in the order of the unsigned words v ^ flip.
    HLSGEN_INLINE static W first(vec<W> v, W flip) {
        const vec<uint16_t> ordered = (vec<uint16_t>)(v ^ flip);
        if constexpr (lanes::count < 8) {
            uint16_t result = ordered[0];
            for (int l = 1; l < lanes::count; l++) result = ordered[l] < result ? ordered[l] : result;
            return W(result ^ uint16_t(flip));
        } else {
            const simd::words8* parts = reinterpret_cast<const simd::words8*>(&ordered);
            simd::words8 result = parts[0];
            for (int p = 1; p < lanes::count / 8; p++) result = parts[p] < result ? parts[p] : result;
            return W(simd::least(result) ^ uint16_t(flip));
        }
    }
};

// n inputs side by side become units; returns their range if the sums need it.
template <class C> HLSGEN_INLINE range pack_inputs(const typename C::input_t* x, v32* out) {
    typedef product<C> P;
    constexpr int group = P::unit::group, n = C::n_in;
    extent<typename P::extent_word> values;
    for (int i = 0; i < n; i += group) {
        vec<int16_t> stored[group] = {};
        for (int g = 0; g < group; g++) {
            if (n % group != 0 && i + g >= n) break;
            stored[g] = P::stored(x[i + g]);
            if constexpr (P::wide) values.add(stored[g]);
        }
        *out++ = P::unit::unit(stored);
    }
    if constexpr (P::wide) return values.over_lanes();
    else return range{0, 0};
}

template <class C>
void multiply(const typename C::input_t* x, const packed<C, 1>& p, held_sum<C>* sum) {
    pool::scratch<v32> memory(units<typename product<C>::unit>(C::n_in));
    const range values = pack_inputs<C>(x, memory.data());
    const v32* segments[1] = {memory.data()};
    multiply_packed<C>(segments, 1, values, p, sum);
}

// ---------------------------------------------------------------------------------------- words of other widths

// A path computes acc[r] = sum of x[i] * w[r * n + i] for Rows rows.

// Words of any kind into 32 bits, modulo 2^32.
template <class W> struct words_into_32 {
    typedef int32_t acc_word;
    template <int Rows> HLSGEN_SHARED void rows(const v32* x, const W* w, long n, v32* out) {
        v32 acc[Rows] = {};
        for (long i = 0; i < n; i++)
            for (int r = 0; r < Rows; r++) acc[r] += x[i] * int32_t(w[r * n + i]);
        for (int r = 0; r < Rows; r++) out[r] = acc[r];
    }
};

// a * b where both fit 32 bits signed.
HLSGEN_INLINE part64 multiply_narrow(part64 a, part64 b) {
#if HLSGEN_SIMD >= 32
    return simd::multiply_low(a, b);
#else
    return a * b;
#endif
}

// Words of any kind into 64 bits, modulo 2^64. Narrow: inputs and weights fit 32 bits signed.
template <class W, bool Narrow> struct words_into_64 {
    typedef int64_t acc_word;
    static const int parts = 8 * lanes::count / part_bytes;
    template <int Rows> HLSGEN_SHARED void rows(const vec<int64_t>* x, const W* w, long n, vec<int64_t>* out) {
        if constexpr (Rows > 4) {
            rows<4>(x, w, n, out);
            rows<Rows - 4>(x, w + 4 * n, n, out + 4);
        } else {
            part64 acc[Rows][parts] = {};
            const part64* xs = reinterpret_cast<const part64*>(x);
            for (long i = 0; i < n; i++)
                for (int r = 0; r < Rows; r++)
                    for (int p = 0; p < parts; p++) {
                        const part64 weight = part64{} + int64_t(w[r * n + i]);
                        if constexpr (Narrow) acc[r][p] += multiply_narrow(xs[i * parts + p], weight);
                        else acc[r][p] += xs[i * parts + p] * weight;
                    }
            __builtin_memcpy(out, acc, sizeof acc);
        }
    }
};

// All rows in blocks.
template <class C, class Path, class X>
HLSGEN_INLINE void all_rows(const X* x, const typename C::weight_word* w, const typename C::bias_word* b,
                            typename C::sum_t* sum) {
    typedef product<C> P;
    vec<typename Path::acc_word> acc[8];
    for (int j = 0; j < C::n_out;) {
        const int left = C::n_out - j;
        const typename C::weight_word* first = w + long(j) * C::n_in;
        int rows = 1;
        if (left >= 8) Path::template rows<8>(x, first, C::n_in, acc), rows = 8;
        else if (left >= 4) Path::template rows<4>(x, first, C::n_in, acc), rows = 4;
        else if (left >= 2) Path::template rows<2>(x, first, C::n_in, acc), rows = 2;
        else Path::template rows<1>(x, first, C::n_in, acc);
        for (int r = 0; r < rows; r++, j++)
            sum[j].V = total_of<C>(acc[r], shifted<typename P::signed_word>(b[j], P::bias_shift));
    }
}

template <class C>
void multiply_words(const typename C::input_t* x, const typename C::weight_word* w, const typename C::bias_word* b,
                    typename C::sum_t* sum) {
    typedef product<C> P;
    typedef typename C::input_t T;
    typedef typename P::acc_word word;
    constexpr bool narrow = T::width + !T::is_signed <= 32 && sizeof(typename C::weight_word) <= 4;
    pool::scratch<vec<word> > memory(C::n_in);
    vec<word>* widened = memory.data();
    for (int i = 0; i < C::n_in; i++) widened[i] = lanes::convert<word, typename T::word>(x[i].V);
    if constexpr (P::wide) all_rows<C, words_into_64<typename C::weight_word, narrow> >(widened, w, b, sum);
    else all_rows<C, words_into_32<typename C::weight_word> >(widened, w, b, sum);
}

template <class C>
void multiply_plain(const typename C::input_t* x, const typename C::weight_word* w, const typename C::bias_word* b,
                    typename C::sum_t* sum) {
    for (int j = 0; j < C::n_out; j++) {
        typename C::sum_t total = start_sum<typename C::sum_t>(from_mantissa<typename C::bias_t>(b[j]));
        for (int i = 0; i < C::n_in; i++)
            accumulate(total, x[i] * from_mantissa<typename C::weight_t>(w[long(j) * C::n_in + i]));
        sum[j] = total;
    }
}

}  // namespace dot

template <class C> using weights = rom<typename C::weight_word, C::n_in * C::n_out>;
template <class C> using biases = rom<typename C::bias_word, C::n_out>;
template <class C> using row_sum = dot::held_sum<C>;

// All turns at once.
template <class C> struct turn_of {
    static constexpr bool is_first() { return true; }
    static constexpr bool is_last() { return true; }
    void advance() {}
};

template <class C>
constexpr int turns_of() {
    return 1;
}

template <class C>
constexpr bool adds() {
    return false;
}

template <class C>
void matvec(const typename C::input_t x[inputs_of<C>()], const typename C::weight_word* w, const typename C::bias_word* b,
            row_sum<C> sum[C::n_out]) {
    typedef dot::group_of<C> group;
    constexpr dot::path kind = dot::product<group>::kind;
    const dot::packed_groups<C, 1>* forms = nullptr;
    if constexpr (kind == dot::path::packed) forms = &dot::packed_groups<C, 1>::of(w, b);
    for (int g = 0; g < groups_of<C>(); g++) {
        if constexpr (kind == dot::path::packed) dot::multiply<group>(x, *forms->groups[g], sum);
        else if constexpr (kind == dot::path::words) dot::multiply_words<group>(x, w, b, sum);
        else dot::multiply_plain<group>(x, w, b, sum);
        x += C::n_in;
        w += long(group::n_out) * C::n_in;
        b += group::n_out;
        sum += group::n_out;
    }
}

template <class C, class X>
void matvec_turn(const turn_of<C>&, const X& x, const typename C::weight_word* w, const typename C::bias_word* b,
                 row_sum<C>* sum) {
    matvec<C>(x, w, b, sum);
}

}  // namespace hlsgen

#undef HLSGEN_SHARED

#endif
