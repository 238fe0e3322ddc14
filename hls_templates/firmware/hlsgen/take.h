// Some places of an axis, in any order, also more than once: y[o][i][k] = x[o][places[i]][k].
//
// Config C
//   input_t, output_t       element types
//   outer, extent, inner    x is [outer][extent][inner]
//   count                   y is [outer][count][inner]
//   place_word              stores places
//   last_axis, late         (streams) see below
//   reuse_factor
// Constants: places[count], each from 0 to extent - 1.
// Streams: with last_axis (then inner is 1) a pack of y is chosen out of a pack of x: X::size == extent, Y::size == count.
// Else whole packs are passed on (X::size == Y::size, dividing inner): if each place is higher than the one before, those
// that are wanted, as they come, and late is 0; if not, all of an outer index are taken, then given, and late is count.
// Cycles: last_axis ? outer : outer * (extent + late) * inner / X::size
//   arrays: reuse_factor
//
// Arithmetic: y = cast<output_t>(x).
#ifndef HLSGEN_TAKE_H
#define HLSGEN_TAKE_H

#include <type_traits>

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>
#include <hlsgen/packs.h>

namespace hlsgen {

template <class C>
void take(const typename C::input_t x[C::outer * C::extent * C::inner],
          typename C::output_t y[C::outer * C::count * C::inner], rom<typename C::place_word, C::count> places) {
#pragma HLS PIPELINE II=C::reuse_factor
Outer:
    for (int o = 0; o < C::outer; o++) {
#pragma HLS UNROLL
    Place:
        for (int i = 0; i < C::count; i++) {
#pragma HLS UNROLL
            const int from = (o * C::extent + int(places[i])) * C::inner;
        Inner:
            for (int k = 0; k < C::inner; k++) {
#pragma HLS UNROLL
                y[(o * C::count + i) * C::inner + k] = cast<typename C::output_t>(x[from + k]);
            }
        }
    }
}

// What the stream kernels of the three forms are chosen by.
enum class taking { in_packs, as_they_come, any_order };
template <taking Form> struct taking_form {};

template <class C, class X, class Y>
void take_stream(taking_form<taking::in_packs>, hls::stream<X>& x, hls::stream<Y>& y,
                 const typename C::place_word places[C::count]) {
#pragma HLS INLINE
    static_assert(C::inner == 1 && X::size == C::extent && Y::size == C::count, "a pack is one outer index");
Outer:
    for (int o = 0; o < C::outer; o++) {
#pragma HLS PIPELINE II=1
        const X word = x.read();
        Y result;
    Place:
        for (int i = 0; i < C::count; i++) {
#pragma HLS UNROLL
            result.data[i] = cast<typename C::output_t>(word.data[int(places[i])]);
        }
        y.write(result);
    }
}

template <class C, class X, class Y>
void take_stream(taking_form<taking::as_they_come>, hls::stream<X>& x, hls::stream<Y>& y,
                 const typename C::place_word places[C::count]) {
#pragma HLS INLINE
    const int packs = C::inner / X::size;
Outer:
    for (int o = 0; o < C::outer; o++) {
        counter<C::count> done = 0;  // places that are passed
    Row:
        for (int row = 0; row < C::extent; row++) {
        Pack:
            for (int p = 0; p < packs; p++) {
#pragma HLS PIPELINE II=1
                const X word = x.read();
                const int next = int(done) < C::count ? int(done) : C::count - 1;
                const bool wanted = int(done) < C::count && int(places[next]) == row;
                if (wanted) y.write(converted<Y>(word));
                if (wanted && p == packs - 1) done = int(done) + 1;
            }
        }
    }
}

template <class C, class X, class Y>
void take_stream(taking_form<taking::any_order>, hls::stream<X>& x, hls::stream<Y>& y,
                 const typename C::place_word places[C::count]) {
#pragma HLS INLINE
    const int packs = C::inner / X::size;
    X rows[C::extent * packs];
#pragma HLS AGGREGATE variable=rows compact=bit
Outer:
    for (int o = 0; o < C::outer; o++) {
    Read:
        for (int r = 0; r < C::extent * packs; r++) {
#pragma HLS PIPELINE II=1
            rows[r] = x.read();
        }
    Place:
        for (int i = 0; i < C::count; i++) {
        Pack:
            for (int p = 0; p < packs; p++) {
#pragma HLS PIPELINE II=1
                y.write(converted<Y>(rows[int(places[i]) * packs + p]));
            }
        }
    }
}

template <class C, class X, class Y>
void take(hls::stream<X>& x, hls::stream<Y>& y, rom<typename C::place_word, C::count> places) {
#pragma HLS INLINE off
    static_assert(C::last_axis || C::inner % X::size == 0, "packs must fill what lies behind the axis exactly");
    const taking form = C::last_axis ? taking::in_packs : C::late == 0 ? taking::as_they_come : taking::any_order;
    take_stream<C>(taking_form<form>(), x, y, places);
}

}  // namespace hlsgen

#endif
