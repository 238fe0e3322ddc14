// An activation function of one variable, read from a table: y = table[index], index = cast<index_t>(x).
//
// Config C
//   input_t, output_t       element types
//   index_t                 ap_[u]fixed whose rounding and overflow place x on the grid of the table
//   table_word              stores mantissas of output_t
//   size                    elements of the tensor
//   reuse_factor
// Constants: table[2^width of index_t], addressed by the raw bits of index_t (a negative index has its upper half).
// Streams: X::size == Y::size, dividing size. All elements of a pack read the table in one cycle, so the tool copies it:
// a block RAM has two readers.
// Cycles: size / X::size * reuse_factor
//   arrays: reuse_factor
#ifndef HLSGEN_TABLE_ACTIVATION_H
#define HLSGEN_TABLE_ACTIVATION_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class C>
constexpr int table_size() {
    return 1 << traits<typename C::index_t>::width;
}

template <class C>
void table_activation(const typename C::input_t x[C::size], typename C::output_t y[C::size],
                      rom<typename C::table_word, table_size<C>()> table) {
#pragma HLS PIPELINE II=C::reuse_factor
Element:
    for (int e = 0; e < C::size; e++) {
#pragma HLS UNROLL
        y[e] = lookup<typename C::output_t>(table, cast<typename C::index_t>(x[e]));
    }
}

template <class C, class X, class Y>
void table_activation(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::table_word, table_size<C>()> table) {
#pragma HLS INLINE off
    static_assert(X::size == Y::size && C::size % X::size == 0, "packs of equal size must fill the tensor exactly");
Pack:
    for (int p = 0; p < C::size / X::size; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        Y result;
    Element:
        for (int i = 0; i < X::size; i++) {
#pragma HLS UNROLL
            result.data[i] = lookup<typename C::output_t>(table, cast<typename C::index_t>(word.data[i]));
        }
        y.write(result);
    }
}

}  // namespace hlsgen

#endif
