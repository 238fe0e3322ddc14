// Spreads the channels of each pixel over a block of pixels, and cuts an image out of the result:
//   y[row][column][c] = z[row + crop_top][column + crop_left][c], where
//   z[i * factor_height + r][j * factor_width + k][c] = x[i][j][(r * factor_width + k) * channels + c]
// With factors of 1 it only crops.
//
// Config C
//   input_t, output_t       element types
//   in_height, in_width, channels (of the output)
//   factor_height, factor_width
//   crop_top, crop_left, out_height, out_width
//   reuse_factor
// Streams: a pack is a pixel, Y::size == channels, X::size == factor_height * factor_width * channels. One row of the
// input is remembered if factor_height > 1. The whole image is consumed.
// Cycles: in_height * factor_height * in_width * factor_width
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(x).
#ifndef HLSGEN_DEPTH_TO_SPACE_H
#define HLSGEN_DEPTH_TO_SPACE_H

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/pack_parts.h>
#include <hlsgen/packs.h>

namespace hlsgen {

template <class C>
struct block_image {
    static const int block = C::factor_height * C::factor_width * C::channels;  // channels of the input
    static const int height = C::in_height * C::factor_height;
    static const int width = C::in_width * C::factor_width;
    static const int stored = C::factor_height > 1 ? C::in_width : 1;  // an array cannot be empty
    static const int row_distance = width - C::factor_width + 1;       // pixels from writing a block's rest to reading it

    static_assert(C::crop_top + C::out_height <= height, "the rows cut out lie inside");
    static_assert(C::crop_left + C::out_width <= width, "the columns cut out lie inside");

    static bool kept(int row, int column) {
#pragma HLS INLINE
        return row >= C::crop_top && row < C::crop_top + C::out_height && column >= C::crop_left &&
               column < C::crop_left + C::out_width;
    }
};

template <class C>
void depth_to_space(const typename C::input_t x[C::in_height * C::in_width * block_image<C>::block],
                    typename C::output_t y[C::out_height * C::out_width * C::channels]) {
#pragma HLS PIPELINE II=C::reuse_factor
Row:
    for (int row = 0; row < C::out_height; row++) {
#pragma HLS UNROLL
    Column:
        for (int column = 0; column < C::out_width; column++) {
#pragma HLS UNROLL
            const int r = row + C::crop_top;
            const int k = column + C::crop_left;
            const int pixel = r / C::factor_height * C::in_width + k / C::factor_width;
            const int cell = r % C::factor_height * C::factor_width + k % C::factor_width;
        Channel:
            for (int c = 0; c < C::channels; c++) {
#pragma HLS UNROLL
                y[(row * C::out_width + column) * C::channels + c] =
                    cast<typename C::output_t>(x[pixel * block_image<C>::block + cell * C::channels + c]);
            }
        }
    }
}

template <class C, class X, class Y>
void depth_to_space(hls::stream<X>& x, hls::stream<Y>& y) {
#pragma HLS INLINE off
    static_assert(Y::size == C::channels && X::size == block_image<C>::block, "a pack is one pixel");
    typedef block_image<C> B;
    typedef pack_splitter<X, C::channels> block_cells;
    block_cells line[B::stored];  // what is left of each block, from the next row of cells on
#pragma HLS AGGREGATE variable=line compact=bit
    block_cells cells;
BlockRow:
    for (int i = 0; i < C::in_height; i++) {
    CellRow:
        for (int r = 0; r < C::factor_height; r++) {
        BlockColumn:
            for (int j = 0; j < C::in_width; j++) {
            CellColumn:
                for (int k = 0; k < C::factor_width; k++) {
#pragma HLS PIPELINE II=1
#pragma HLS DEPENDENCE variable=line type=inter dependent=true distance=B::row_distance
                    const int at = C::factor_height > 1 ? j : 0;
                    if (k == 0 && r == 0) cells.take(x.read());
                    if (k == 0 && r > 0) cells = line[at];
                    const bool kept = B::kept(i * C::factor_height + r, j * C::factor_width + k);
                    if (kept) y.write(converted<Y>(cells.part()));
                    cells.advance();
                    if (C::factor_height > 1 && k == C::factor_width - 1) line[at] = cells;
                }
            }
        }
    }
}

}  // namespace hlsgen

#endif
