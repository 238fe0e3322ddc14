// A held matrix in emulation: the same sums as firmware/hlsgen/held_matrix.h, faster.
//
// Inputs of 16 bits are packed in pairs, those of the vectors and those of the matrix, and two products are added up in
// 32 bits at once (dot.h). A sum modulo 2^32 is the sum where the sizes of this vector and of this matrix, which are
// looked at, say that it fits; else runs are added up to 48 bits. Vectors may be unsigned with 16 or 17 bits, as the
// results of a softmax: what is above 2^15 - 1 wraps, and multiples of 2^16 times the matrix's row make up for it.
// Define HLSGEN_PLAIN_MATVEC to emulate the text of the firmware instead.
#ifdef HLSGEN_PLAIN_MATVEC
#include_next <hlsgen/held_matrix.h>
#endif
#ifndef HLSGEN_HELD_MATRIX_H
#define HLSGEN_HELD_MATRIX_H

#include <hlsgen/arith.h>
#include <hlsgen/dot.h>
#include <hlsgen/pool.h>

#define HLSGEN_APART inline __attribute__((noinline))

namespace hlsgen {
namespace held {

using dot::blocking;
using dot::pair;
using dot::v32;
using lanes::vec;

template <class C> struct product {
    typedef typename C::input0_t X;
    typedef typename C::input1_t W;
    static const int frac = X::frac + W::frac;
    static const int drop = frac - C::output_t::frac;
    static const bool wraps = !X::is_signed && X::width >= 16;
    static const bool packed = (X::is_signed ? X::width <= 16 : X::width <= 17) &&
                               W::width + !W::is_signed <= 16 && C::sum_t::frac == frac && C::n_in < (1 << 15);
    static const int n_units = (C::n_in + 1) / 2;
    static const bool exact_accum = C::accum_t::frac >= frac && C::accum_t::iwidth >= C::sum_t::iwidth &&
                                    C::accum_t::is_signed >= C::sum_t::is_signed;

    // Sums in 48 bits of which the result drops many are cast without the lowest `bits`, in 32 bits; the lowest bit that
    // is left says whether any at or below it is set.
    static const int bits = lanes::larger(C::sum_t::width + !C::sum_t::is_signed - 31, 1);
    static const bool shortens = exact_accum && bits <= 16 && bits + 2 <= drop;
};

// An integer of that many bits, times 2^-frac.
template <int width, int frac> using number = ap_fixed_base<width, width - frac, true, AP_TRN, AP_WRAP, 0>;

// How large the elements of a vector are, or of all columns of a matrix: their magnitudes' sum (of a matrix the largest
// magnitude), and the sum of their squares in steps of 2^16. Both are bounds from above, over all lanes.
struct size {
    uint32_t magnitude, squares;
};

// |sum of products| is at most the sum of the one's magnitudes times the largest of the other, and at most the product of
// the lengths (Cauchy and Schwarz).
inline bool fits_32(size vector, size matrix) {
    return uint64_t(vector.magnitude) * matrix.magnitude < (uint64_t(1) << 31) ||
           uint64_t(vector.squares) * matrix.squares < (uint64_t(1) << 30);
}

typedef int16_t words __attribute__((vector_size(sizeof(v32))));

// Of both halves v or -v - 1, whichever is not negative.
HLSGEN_INLINE words folded(v32 pair) { return (words)pair ^ ((words)pair >> 15); }
HLSGEN_INLINE v32 added(v32 sum, words values) {
    return pair::multiply_add(sum, (v32)values, lanes::broadcast<int32_t>(0x10001));
}
HLSGEN_INLINE v32 squares_added(v32 sum, words magnitudes) {
    const words coarse = (magnitudes >> 8) + 1;
    return pair::multiply_add(sum, (v32)coarse, (v32)coarse);
}

inline uint32_t largest(v32 v) {
    uint32_t result = 0;
    for (int l = 0; l < lanes::count; l++) result = uint32_t(v[l]) > result ? uint32_t(v[l]) : result;
    return result;
}

// n units side by side, of values that are signed.
HLSGEN_APART size size_of_vector(const v32* x, long n) {
    v32 sum{}, squares{};
    for (long u = 0; u < n; u++) {
        const words magnitudes = folded(x[u]);
        sum = added(sum, magnitudes);
        squares = squares_added(squares, magnitudes);
    }
    return size{largest(sum) + 2 * uint32_t(n), largest(squares)};
}

// Columns of n units, `columns` of them side by side.
HLSGEN_APART void raise_size(size& all, const v32* w, long n, long columns) {
    v32 most{}, longest{};
    for (long c = 0; c < columns; c++) {
        v32 squares{};
        for (long u = 0; u < n; u++) {
            const words magnitudes = folded(w[u * columns + c]);
            most = (v32)((words)most > magnitudes ? (words)most : magnitudes);
            squares = squares_added(squares, magnitudes);
        }
        longest = longest > squares ? longest : squares;
    }
    const v32 low = most & 0xffff, high = (v32)((vec<uint32_t>)most >> 16);
    const uint32_t magnitude = largest(low > high ? low : high) + 1, squares = largest(longest);
    all.magnitude = magnitude > all.magnitude ? magnitude : all.magnitude;
    all.squares = squares > all.squares ? squares : all.squares;
}

// The longest run of units, the half of n or a half of that and so on, in which no sum gets beyond 32 bits.
HLSGEN_APART long longest_run(const v32* x, long n, uint32_t heaviest) {
    for (long run = (n + 1) / 2; run > 1; run = (run + 1) / 2) {
        v32 most{};
        for (long first = 0; first < n; first += run) {
            v32 sum{};
            for (long u = first; u < n && u < first + run; u++) sum = added(sum, folded(x[u]));
            most = most > sum ? most : sum;
        }
        const uint64_t limit = (uint64_t(1) << 31) - (1 << 16);
        if ((largest(most) + 2 * uint64_t(run)) * heaviest <= limit) return run;
    }
    return 1;
}

// The sums of `Columns` columns modulo 2^32.
template <int Columns>
HLSGEN_APART void sum_in_32(const v32* x, const v32* w, long n, v32* out) {
    v32 acc[Columns] = {};
    for (long u = 0; u < n; u++, w += Columns)
        for (int c = 0; c < Columns; c++) acc[c] = pair::multiply_add(acc[c], x[u], w[c]);
    for (int c = 0; c < Columns; c++) out[c] = acc[c];
}

// The sums 2^16 * high + low, 0 <= low < 2^16. As in dot.h, what stays between runs is kept below zero, so that a run of
// one unit always fits.
template <int Columns>
HLSGEN_APART void sum_in_48(const v32* x, const v32* w, long n, long run, v32* low, v32* high) {
    v32 acc[Columns], moved[Columns] = {};
    for (int c = 0; c < Columns; c++) acc[c] = lanes::broadcast<int32_t>(-65536);
    int32_t moves = 1;
    for (long u = 0; u < n; moves++) {
        const long end = u + run < n ? u + run : n;
        for (; u < end; u++, w += Columns)
            for (int c = 0; c < Columns; c++) acc[c] = pair::multiply_add(acc[c], x[u], w[c]);
        for (int c = 0; c < Columns; c++) {
            moved[c] += acc[c] >> 16;
            acc[c] |= -65536;
        }
    }
    for (int c = 0; c < Columns; c++) {
        low[c] = acc[c] & 0xffff;
        high[c] = moved[c] + moves - 1;
    }
}

// out[c] += 2^16 * times * w[c], or without 2^16 if the sums are in steps of that; w[c] is element `i` of every column.
HLSGEN_APART void add_wrapped(const v32* w, long i, long columns, v32 times, bool in_steps, v32* out) {
    const v32* from = w + i / 2 * columns;
    for (long c = 0; c < columns; c++) {
        const v32 shifted = i % 2 ? from[c] & int32_t(0xffff0000) : from[c] << 16;
        out[c] += times * (in_steps ? shifted >> 16 : shifted);
    }
}

// Sums of a vector with all columns: 2^16 * high + low if they are split, else low.
template <class C> struct packed_sums {
    v32 low[C::n_out], high[C::n_out];
    bool split;
};

template <class C> class packed_matrix {
    typedef product<C> P;
    typedef blocking<C::n_out> B;
    static const int n_units = P::n_units;

    mutable pool::scratch<v32> memory;
    mutable size known;
    mutable bool measured;

    static constexpr int columns_of(int j) { return j < B::larger * (B::rows + 1) ? B::rows + 1 : B::rows; }
    static constexpr int first_of(int j) {
        constexpr int bound = B::larger * (B::rows + 1);
        return j < bound ? j / (B::rows + 1) * (B::rows + 1) : bound + (j - bound) / B::rows * B::rows;
    }
    HLSGEN_INLINE v32& unit(int j, int u) {
        const int first = first_of(j);
        return memory.data()[first * n_units + u * columns_of(j) + (j - first)];
    }
    HLSGEN_INLINE static vec<int16_t> low_bits(const typename P::W& v) {
        return lanes::convert<int16_t, typename P::W::word>(v.V);
    }

public:
    packed_matrix() : memory(C::n_out * n_units), known{0, 0}, measured(false) {}

    HLSGEN_INLINE void put_column(int j, const typename P::W* column) {
        measured = false;
        for (int u = 0; u < n_units; u++) {
            vec<int16_t> both[2] = {low_bits(column[2 * u]), {}};
            if (2 * u + 1 < C::n_in) both[1] = low_bits(column[2 * u + 1]);
            unit(j, u) = pair::unit(both);
        }
    }
    HLSGEN_INLINE void put_row(int i, const typename P::W* row) {
        measured = false;
        for (int j = 0; j < C::n_out; j++) {
            const v32 bits = lanes::convert<int32_t, uint16_t>((vec<uint16_t>)low_bits(row[j]));
            if (i % 2 == 0) unit(j, i / 2) = bits;
            else unit(j, i / 2) |= bits << 16;
        }
    }

    void multiply(const typename P::X* x, packed_sums<C>& sum) const {
        v32 packed[n_units];
        measure();
        const size vector = pack(x, packed);
        sum.split = !fits_32(vector, known);
        const long run = sum.split ? longest_run(packed, n_units, known.magnitude) : 0;
        int j = 0;
        if constexpr (B::larger > 0)
            for (; j < B::larger * (B::rows + 1); j += B::rows + 1) block<B::rows + 1>(packed, run, j, sum);
        for (; j < C::n_out; j += B::rows) block<B::rows>(packed, run, j, sum);
        if constexpr (P::wraps) add_all_wrapped(x, sum);
    }

private:
    void measure() const {
        if (measured) return;
        known = size{0, 0};
        for (int j = 0; j < C::n_out; j += columns_of(j))
            raise_size(known, memory.data() + j * n_units, n_units, columns_of(j));
        measured = true;
    }

    // The pairs of a vector, of values beyond 16 bits their low ones; returns how large the values are.
    HLSGEN_INLINE static size pack(const typename P::X* x, v32* out) {
        v32 sum{}, squares{};
        for (int i = 0; i < C::n_in; i += 2) {
            vec<int16_t> both[2] = {};
            for (int h = 0; h < 2 && i + h < C::n_in; h++) {
                both[h] = lanes::convert<int16_t, typename P::X::word>(x[i + h].V);
                if constexpr (P::wraps) {
                    const v32 value = lanes::convert<int32_t, typename P::X::word>(x[i + h].V), coarse = (value >> 8) + 1;
                    sum += value;
                    squares += coarse * coarse;
                }
            }
            *out++ = pair::unit(both);
        }
        if constexpr (P::wraps) return size{largest(sum), largest(squares)};
        else return size_of_vector(out - n_units, n_units);
    }

    template <int Columns>
    HLSGEN_INLINE void block(const v32* x, long run, int j, packed_sums<C>& sum) const {
        const v32* w = memory.data() + j * n_units;
        if (sum.split) sum_in_48<Columns>(x, w, n_units, run, sum.low + j, sum.high + j);
        else sum_in_32<Columns>(x, w, n_units, sum.low + j);
    }

    void add_all_wrapped(const typename P::X* x, packed_sums<C>& sum) const {
        vec<typename P::X::word> any{};
        for (int i = 0; i < C::n_in; i++) any |= x[i].V;
        if (largest(lanes::convert<int32_t, typename P::X::word>(any)) < 0x8000) return;
        for (int i = 0; i < C::n_in; i++) {
            const v32 times = (lanes::convert<int32_t, typename P::X::word>(x[i].V) + 0x8000) >> 16;
            if (largest(times) == 0) continue;
            for (int j = 0; j < C::n_out; j += columns_of(j))
                add_wrapped(memory.data() + j * n_units, i, columns_of(j), times, sum.split,
                            (sum.split ? sum.high : sum.low) + j);
        }
    }
};

template <class C, class Sum> HLSGEN_INLINE typename C::output_t cast_exact(const Sum& sum) {
    if constexpr (product<C>::exact_accum) return cast<typename C::output_t>(sum);
    else return cast<typename C::output_t>(cast<typename C::accum_t>(sum));
}

template <class C> HLSGEN_INLINE typename C::output_t cast_split(v32 low, v32 high) {
    typedef product<C> P;
    if constexpr (P::shortens) {
        constexpr int32_t rest = (int32_t(1) << P::bits) - 1;
        const v32 total = (high << (16 - P::bits)) + (low >> P::bits);
        return cast<typename C::output_t>(
            number<32, P::frac - P::bits>(total | (((low & rest) + rest) >> P::bits), 0));
    } else {
        const vec<int64_t> total =
            (lanes::convert<int64_t, int32_t>(high) << 16) + lanes::convert<int64_t, int32_t>(low);
        return cast_exact<C>(number<48, P::frac>(total, 0));
    }
}

// Types that are not packed: the firmware's way, all turns at once.
template <class C> class plain_matrix {
    pool::scratch<typename C::input1_t> memory;

public:
    plain_matrix() : memory(C::n_out * C::n_in) {}

    HLSGEN_INLINE void put_column(int j, const typename C::input1_t* column) {
        for (int i = 0; i < C::n_in; i++) memory.data()[j * C::n_in + i] = column[i];
    }
    HLSGEN_INLINE void put_row(int i, const typename C::input1_t* row) {
        for (int j = 0; j < C::n_out; j++) memory.data()[j * C::n_in + i] = row[j];
    }
    void multiply(const typename C::input0_t* x, typename C::sum_t* sum) const {
        const typename C::input1_t* w = const_cast<plain_matrix*>(this)->memory.data();
        for (int j = 0; j < C::n_out; j++) {
            typename C::sum_t total = from_mantissa<typename C::sum_t>(0);
            for (int i = 0; i < C::n_in; i++) accumulate(total, x[i] * w[j * C::n_in + i]);
            sum[j] = total;
        }
    }
};

template <class C, bool Packed = product<C>::packed> struct form {
    typedef packed_matrix<C> matrix;
    typedef packed_sums<C> sums;
    static void cast_all(const sums& sum, typename C::output_t* y) {
        if (sum.split)
            for (int j = 0; j < C::n_out; j++) y[j] = cast_split<C>(sum.low[j], sum.high[j]);
        else
            for (int j = 0; j < C::n_out; j++) y[j] = cast_exact<C>(number<32, product<C>::frac>(sum.low[j], 0));
    }
};
template <class C> struct form<C, false> {
    typedef plain_matrix<C> matrix;
    typedef typename C::sum_t sums[C::n_out];
    static void cast_all(const sums& sum, typename C::output_t* y) {
        for (int j = 0; j < C::n_out; j++) y[j] = cast<typename C::output_t>(cast<typename C::accum_t>(sum[j]));
    }
};

}  // namespace held

template <class C> using held_matrix = typename held::form<C>::matrix;
template <class C> using column_sums = typename held::form<C>::sums;

template <class C>
void put_column(int q, int o, const typename C::input1_t* column, held_matrix<C>& held) {
    held.put_column(q * C::column_turns + o, column);
}

template <class C>
void put_row(int m, int t, const typename C::input1_t* row, held_matrix<C>& held) {
    held.put_row(m * C::depth_turns + t, row);
}

// All turns at once.
template <class C> struct product_turn {
    static constexpr bool is_first() { return true; }
    static constexpr bool is_last() { return true; }
    void advance() {}
};

template <class C>
constexpr int product_turns() {
    return 1;
}

template <class C>
void multiply_turn(const product_turn<C>&, const typename C::input0_t* x, const held_matrix<C>& held,
                   column_sums<C>& sum) {
    held.multiply(x, sum);
}

template <class C>
void cast_columns(const column_sums<C>& sum, typename C::output_t* y) {
    held::form<C>::cast_all(sum, y);
}

}  // namespace hlsgen

#undef HLSGEN_APART

#endif
