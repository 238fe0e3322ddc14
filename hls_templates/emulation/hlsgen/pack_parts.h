// Packs that leave or come in parts, as firmware/hlsgen/pack_parts.h says: by an index, since shifting costs time here.
// Define HLSGEN_PLAIN_MATVEC to emulate the text of the firmware instead.
#ifdef HLSGEN_PLAIN_MATVEC
#include_next <hlsgen/pack_parts.h>
#endif
#ifndef HLSGEN_PACK_PARTS_H
#define HLSGEN_PACK_PARTS_H

#include <hlsgen/arith.h>

namespace hlsgen {

template <class X, int step> struct pack_splitter {
    typedef typename X::value_type value_type;
    X whole;
    int at = 0;

    void take(const X& word) {
        whole = word;
        at = 0;
    }
    HLSGEN_INLINE const value_type& element(int i) const { return whole.data[at + i]; }
    void advance() { at += step; }
};

template <class Y, int step> struct pack_joiner {
    typedef typename Y::value_type value_type;
    Y joined;
    int at = 0;

    HLSGEN_INLINE void put(const value_type part[step]) {
        if (at == Y::size) at = 0;
        for (int i = 0; i < step; i++) joined.data[at + i] = part[i];
        at += step;
    }
    const Y& word() const { return joined; }
};

}  // namespace hlsgen

#endif
