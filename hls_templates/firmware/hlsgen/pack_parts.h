// Packs that leave or come in parts of `step` elements, which divides their size.
//
//   pack_splitter<X, step>    take(word), then its parts in order: part() is the one at hand, advance() goes to the next
//   pack_joiner<Y, step>      put(part) for each part in order; then word() is the pack of all
// A part is a pack<value_type, step>.
//
// The registers shift by a part each time: a part is read and written at one place, where a counter as an index would
// make a multiplexer of the whole pack for each element.
#ifndef HLSGEN_PACK_PARTS_H
#define HLSGEN_PACK_PARTS_H

#include <hlsgen/pack.h>

namespace hlsgen {

template <class X, int step>
struct pack_splitter {
    static_assert(X::size % step == 0, "parts fill a pack exactly");
    typedef pack<typename X::value_type, step> part_type;
    X rest;

    void take(const X& word) {
#pragma HLS INLINE
        rest = word;
    }

    part_type part() const {
#pragma HLS INLINE
        part_type first;
    Part:
        for (int i = 0; i < step; i++) {
#pragma HLS UNROLL
            first.data[i] = rest.data[i];
        }
        return first;
    }

    void advance() {
#pragma HLS INLINE
    Shift:
        for (int i = 0; i < X::size - step; i++) {
#pragma HLS UNROLL
            rest.data[i] = rest.data[i + step];
        }
    }
};

template <class Y, int step>
struct pack_joiner {
    static_assert(Y::size % step == 0, "parts fill a pack exactly");
    Y joined;

    void put(const pack<typename Y::value_type, step>& part) {
#pragma HLS INLINE
    Shift:
        for (int i = 0; i < Y::size - step; i++) {
#pragma HLS UNROLL
            joined.data[i] = joined.data[i + step];
        }
    Put:
        for (int i = 0; i < step; i++) {
#pragma HLS UNROLL
            joined.data[Y::size - step + i] = part.data[i];
        }
    }

    const Y& word() const {
#pragma HLS INLINE
        return joined;
    }
};

}  // namespace hlsgen

#endif
