// The word of a stream: the N values that arrive in one clock cycle.
#ifndef HLSGEN_PACK_H
#define HLSGEN_PACK_H

namespace hlsgen {

template <class T, int N> struct pack {
    typedef T value_type;
    static const int size = N;

    T data[N];

    T& operator[](int i) { return data[i]; }
    const T& operator[](int i) const { return data[i]; }
};

}  // namespace hlsgen

#endif
