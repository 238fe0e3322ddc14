// Packs that leave or come in parts of `step` elements, which divides their size.
//
//   pack_splitter<X, step>    take(word), then its parts in order: element(i) of the one at hand, advance() to the next
//   pack_joiner<Y, step>      put(part) for each part in order; then word() is the pack of all
//
// The registers shift by a part each time: a part is read and written at one place, where a counter as an index would
// make a multiplexer of the whole pack for each element.
#ifndef HLSGEN_PACK_PARTS_H
#define HLSGEN_PACK_PARTS_H

namespace hlsgen {

template <class X, int step>
struct pack_splitter {
    static_assert(X::size % step == 0, "parts fill a pack exactly");
    typedef typename X::value_type value_type;
    X rest;

    void take(const X& word) {
#pragma HLS INLINE
        rest = word;
    }

    value_type element(int i) const {
#pragma HLS INLINE
        return rest.data[i];
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
    typedef typename Y::value_type value_type;
    Y joined;

    void put(const value_type part[step]) {
#pragma HLS INLINE
    Shift:
        for (int i = 0; i < Y::size - step; i++) {
#pragma HLS UNROLL
            joined.data[i] = joined.data[i + step];
        }
    Put:
        for (int i = 0; i < step; i++) {
#pragma HLS UNROLL
            joined.data[Y::size - step + i] = part[i];
        }
    }

    const Y& word() const {
#pragma HLS INLINE
        return joined;
    }
};

}  // namespace hlsgen

#endif
