// Rows of a table, picked by whole numbers: y[p] = row x[p] of the table.
//
// Config C
//   input_t, output_t       element types
//   index_t                 ap_ufixed without fraction that saturates: x as the number of a row
//   table_word              stores mantissas of output_t
//   positions, channels     x is [positions], y is [positions][channels]
//   reuse_factor
// Constants: table[channels][2^width of index_t], addressed by the raw bits of index_t; rows that a model does not have
// are there as its last one.
// Streams: a pack is a position, X::size == 1, Y::size == channels. Each channel has a memory of its own.
// Cycles: positions * reuse_factor
//   arrays: positions * reuse_factor
#ifndef HLSGEN_EMBEDDING_H
#define HLSGEN_EMBEDDING_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class C>
struct embedding_table {
    static const int rows = 1 << traits<typename C::index_t>::width;
    static const int size = C::channels * rows;
};

template <class C>
void embedding_row(const typename C::input_t& x, typename C::output_t y[C::channels],
                   const typename C::table_word table[embedding_table<C>::size]) {
#pragma HLS INLINE
    const typename C::index_t row = cast<typename C::index_t>(x);
Channel:
    for (int c = 0; c < C::channels; c++) {
#pragma HLS UNROLL
        y[c] = lookup<typename C::output_t>(table + c * embedding_table<C>::rows, row);
    }
}

template <class C>
void embedding(const typename C::input_t x[C::positions], typename C::output_t y[C::positions * C::channels],
               rom<typename C::table_word, embedding_table<C>::size> table) {
#pragma HLS ARRAY_PARTITION variable=table block factor=C::channels
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        embedding_row<C>(x[p], &y[p * C::channels], table);
    }
}

template <class C, class X, class Y>
void embedding(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::table_word, embedding_table<C>::size> table) {
#pragma HLS INLINE off
#pragma HLS ARRAY_PARTITION variable=table block factor=C::channels
    static_assert(X::size == 1 && Y::size == C::channels, "a pack is a position");
Position:
    for (int p = 0; p < C::positions; p++) {
#pragma HLS PIPELINE II=C::reuse_factor
        const X word = x.read();
        Y result;
        embedding_row<C>(word.data[0], result.data, table);
        y.write(result);
    }
}

}  // namespace hlsgen

#endif
