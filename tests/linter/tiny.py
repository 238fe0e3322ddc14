"""A project small enough to be read here, without a fault: what tests break in one place at a time."""

from __future__ import annotations

TOP = """#include "tiny.h"

#include "parameters.h"

void tiny(hls::stream<x_word>& x, hls::stream<y_word>& y) {
#pragma HLS INTERFACE axis port=x,y
#pragma HLS DATAFLOW

    // the input, twice
    hls::stream<x_word> long_way("long_way");
#pragma HLS STREAM variable=long_way depth=2
    hls::stream<x_word> short_way("short_way");
#pragma HLS STREAM variable=short_way depth=4
    hlsgen::twice<twice_config>(x, long_way, short_way);

    // layer 'fc' (Dense)
    //   4 multipliers a position
    hls::stream<y_word> fc("fc");
#pragma HLS STREAM variable=fc depth=2
    hlsgen::dense<fc_config>(long_way, fc, fc_w);

    hlsgen::join<join_config>(fc, short_way, y);
}
"""
HEADER = """#include "types.h"
void tiny(hls::stream<x_word>& x, hls::stream<y_word>& y);
"""
TYPES = """#include <ap_fixed.h>
#include <hls_stream.h>
#include <hlsgen/pack.h>
typedef ap_fixed<8,4> x_t;
typedef hlsgen::pack<x_t, 2> x_word;
typedef ap_fixed<14,8> y_t;
typedef hlsgen::pack<y_t, 2> y_word;
"""
PARAMETERS = """#include <hlsgen/kernels.h>
#include "types.h"
#include "weights.h"
struct twice_config {
    static const int packs = 5;
};
struct fc_config {
    typedef ap_fixed<8,4> input_t;
    typedef ap_fixed<5,2> weight_t;
    typedef signed char weight_word;
    static const int packs = 5;
    static const int n = 2;
};
struct join_config {
    static const int packs = 5;
};
"""
WEIGHTS = """#include "weights/fc_w.h"
"""
WEIGHT = """static const signed char fc_w[4] = {
    3, -5, 0, 4
};
"""
KERNELS = """#ifndef KERNELS_H
#define KERNELS_H
#include <hls_stream.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class T, class M> T number(const M& word) {
#pragma HLS INLINE
    T value;
    value.range(T::width - 1, 0) = ap_uint<T::width>(word);
    return value;
}

template <class C, class X> void twice(hls::stream<X>& x, hls::stream<X>& a, hls::stream<X>& b) {
#pragma HLS INLINE off
Pack:
    for (int p = 0; p < C::packs; p++) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
        a.write(word);
        b.write(word);
    }
}

template <class C, class X, class Y>
void dense(hls::stream<X>& x, hls::stream<Y>& y, const typename C::weight_word w[C::n * C::n]) {
#pragma HLS INLINE off
    typename Y::value_t sum[C::n];
#pragma HLS ARRAY_PARTITION variable=sum complete
Pack:
    for (int p = 0; p < C::packs; p++) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
        Y result;
    Output:
        for (int j = 0; j < C::n; j++) {
#pragma HLS UNROLL
            sum[j] = 0;
        Input:
            for (int i = 0; i < C::n; i++) {
#pragma HLS UNROLL
                sum[j] += word.data[i] * number<typename C::weight_t>(w[j * C::n + i]);
            }
            result.data[j] = sum[j];
        }
        y.write(result);
    }
}

template <class C, class A, class B> void join(hls::stream<A>& a, hls::stream<B>& b, hls::stream<A>& y) {
#pragma HLS INLINE off
Pack:
    for (int p = 0; p < C::packs; p++) {
#pragma HLS PIPELINE II=1
        A left = a.read();
        const B right = b.read();
    Element:
        for (int i = 0; i < A::size; i++) {
#pragma HLS UNROLL
            left.data[i] += right.data[i];
        }
        y.write(left);
    }
}

}  // namespace hlsgen

#endif
"""
PACK = """#ifndef PACK_H
#define PACK_H
namespace hlsgen {
template <class T, int N> struct pack {
    typedef T value_t;
    static const int size = N;
    T data[N];
};
}  // namespace hlsgen
#endif
"""
FILES = {
    "tiny.cpp": TOP,
    "tiny.h": HEADER,
    "types.h": TYPES,
    "parameters.h": PARAMETERS,
    "weights.h": WEIGHTS,
    "weights/fc_w.h": WEIGHT,
    "hlsgen/kernels.h": KERNELS,
    "hlsgen/pack.h": PACK,
}


def changed(file: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """The project with texts of one file replaced, each of which must be there."""
    text = FILES[file]
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return {**FILES, file: text}
