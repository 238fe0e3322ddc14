// One of N neighbours in an array, chosen by a counter: a tree of two-way multiplexers, a level a bit of the counter.
//
// Written out, since some tools keep an array that a variable indexes in a memory, even where it is meant as registers.
#ifndef HLSGEN_MUX_H
#define HLSGEN_MUX_H

namespace hlsgen {
namespace detail {

constexpr int highest_power_below(int n) {
    int power = 1;
    while (2 * power < n) power *= 2;
    return power;
}

// Of N values those from Half on have that bit of `index` set.
template <int N, int Half = highest_power_below(N)> struct multiplexer {
    template <class T> static T of(const T* values, int first, int index) {
#pragma HLS INLINE
        const T low = multiplexer<Half>::of(values, first, index);
        const T high = multiplexer<N - Half>::of(values, first + Half, index);
        return (index & Half) != 0 ? high : low;
    }
};
template <int Half> struct multiplexer<1, Half> {
    template <class T> static T of(const T* values, int first, int) {
#pragma HLS INLINE
        return values[first];
    }
};

}  // namespace detail

// values[first + index], where 0 <= index < N.
template <int N, class T> T mux(const T* values, int first, int index) {
#pragma HLS INLINE
    return detail::multiplexer<N>::of(values, first, index);
}

}  // namespace hlsgen

#endif
