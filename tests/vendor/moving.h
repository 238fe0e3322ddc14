// Harness for kernels that move elements through memories and shifted packs, in streams.
#include "world.h"

#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/permute.h>
#include <hlsgen/repack.h>

typedef ap_fixed<24, 24> element;

template <int Size> struct tensor {
    static const int size = Size, reuse_factor = 1;
    typedef element input_t;
    typedef element output_t;
};
template <int D0, int D1, int D2, int P0, int P1, int P2> struct turned : tensor<D0 * D1 * D2> {
    static const int in_d0 = D0, in_d1 = D1, in_d2 = D2, perm0 = P0, perm1 = P1, perm2 = P2;
};

// x: tensors, every lane another; f takes the stream of one to that of its result.
template <int Size, int Taken, int Given, class F> words each_tensor(const words& x, F f) {
    words out(x.size());
    for (size_t s = 0; s < x.size() / Size; s += lanes) {
        hls::stream<hlsgen::pack<element, Taken> > from;
        hls::stream<hlsgen::pack<element, Given> > to;
        for (int i = 0; i < Size; i += Taken) {
            hlsgen::pack<element, Taken> p;
            for (int c = 0; c < Taken; c++)
                for (int l = 0; l < lanes; l++) put(p.data[c], l, x[((s + l) * Size < x.size() ? s + l : s) * Size + i + c]);
            from.write(p);
        }
        f(from, to);
        for (int i = 0; i < Size; i += Given) {
            const hlsgen::pack<element, Given> p = to.read();
            for (int c = 0; c < Given; c++)
                for (int l = 0; l < lanes && (s + l) * Size < x.size(); l++) out[(s + l) * Size + i + c] = get(p.data[c], l);
        }
    }
    return out;
}

template <class C> words permuted(const words& x, const words&) {
    const int last = C::perm2 == 0 ? C::in_d0 : C::perm2 == 1 ? C::in_d1 : C::in_d2;
    return each_tensor<C::size, C::in_d2, last>(x, [](auto& from, auto& to) { hlsgen::permute<C>(from, to); });
}
template <int Size, int Taken, int Given> words repacked(const words& x, const words&) {
    return each_tensor<Size, Taken, Given>(x, [](auto& from, auto& to) { hlsgen::repack<tensor<Size> >(from, to); });
}
