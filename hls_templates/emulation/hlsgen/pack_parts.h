// Packs that leave or come in parts, as firmware/hlsgen/pack_parts.h says: by an index, since shifting costs time here.
// Define HLSGEN_PLAIN_MATVEC to emulate the text of the firmware instead.
#ifdef HLSGEN_PLAIN_MATVEC
#include_next <hlsgen/pack_parts.h>
#endif
#ifndef HLSGEN_PACK_PARTS_H
#define HLSGEN_PACK_PARTS_H

#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

namespace hlsgen {

template <class X, int step> struct pack_splitter {
    typedef pack<typename X::value_type, step> part_type;
    X whole;
    int at = 0;

    void take(const X& word) {
        whole = word;
        at = 0;
    }
    HLSGEN_INLINE part_type part() const {
        part_type first;
        for (int i = 0; i < step; i++) first.data[i] = whole.data[at + i];
        return first;
    }
    void advance() { at += step; }
};

template <class Y, int step> struct pack_joiner {
    Y joined;
    int at = 0;

    HLSGEN_INLINE void put(const pack<typename Y::value_type, step>& part) {
        if (at == Y::size) at = 0;
        for (int i = 0; i < step; i++) joined.data[at + i] = part.data[i];
        at += step;
    }
    const Y& word() const { return joined; }
};

}  // namespace hlsgen

#endif
