// Harness for windows over streams: convolution, depthwise convolution and pooling, several images in a row.
#include <cassert>
#include "kernels.h"

#include <hlsgen/conv2d.h>
#include <hlsgen/depthwise_conv2d.h>
#include <hlsgen/pooling2d.h>

template <int H, int W, int Channels, int Rows, int Columns, int StrideH, int StrideW, int DilationH, int DilationW,
          int Top, int Bottom, int Left, int Right>
struct place {
    static const int in_height = H, in_width = W, in_channels = Channels;
    static const int kernel_height = Rows, kernel_width = Columns, pool_height = Rows, pool_width = Columns;
    static const int stride_height = StrideH, stride_width = StrideW;
    static const int dilation_height = DilationH, dilation_width = DilationW;
    static const int pad_top = Top, pad_bottom = Bottom, pad_left = Left, pad_right = Right;
    static const int out_height = (Top + H + Bottom - (Rows - 1) * DilationH - 1) / StrideH + 1;
    static const int out_width = (Left + W + Right - (Columns - 1) * DilationW - 1) / StrideW + 1;
    static const int n_taps = Rows * Columns;
};

// Outputs are the sums themselves.
template <class X, class Weight, class Bias, class Sum, class Place, int Out>
struct convolution : Place, layer<X, Weight, Bias, Sum, Place::n_taps * Place::in_channels, Out, 1, false> {
    typedef Sum accum_t;
    typedef Sum output_t;
};
// The same in groups.
template <class X, class Weight, class Bias, class Sum, class Place, int Out, int Groups>
struct grouped : Place, layer<X, Weight, Bias, Sum, Place::n_taps * Place::in_channels / Groups, Out, 1, false> {
    static const int groups = Groups;
    typedef Sum accum_t;
    typedef Sum output_t;
};
template <class X, class Weight, class Bias, class Sum, class Place, int Multiplier>
struct depthwise : Place, layer<X, Weight, Bias, Sum, Place::n_taps, Place::in_channels * Multiplier, 1, false> {
    static const int depth_multiplier = Multiplier, tap_turns = 1, output_turns = 1;
    typedef Sum accum_t;
    typedef Sum output_t;
};
template <class X, class Place> struct maximum : Place {
    static const hlsgen::pooling kind = hlsgen::pooling::max;
    static const int reuse_factor = 1, n_out = Place::in_channels;
    typedef X input_t;
    typedef X output_t;
};

// x: images, every lane another; f takes the stream of an image to that of its result.
template <class C, class F> words each_image(const words& x, F f) {
    typedef hlsgen::pack<typename C::input_t, C::in_channels> pixel;
    typedef hlsgen::pack<typename C::output_t, C::n_out> result;
    const size_t size = size_t(C::in_height) * C::in_width * C::in_channels, images = x.size() / size;
    const size_t out_size = size_t(C::out_height) * C::out_width * C::n_out;
    words out(images * out_size);
    for (size_t s = 0; s < images; s += lanes) {
        hls::stream<pixel> from;
        hls::stream<result> to;
        for (size_t i = 0; i < size; i += C::in_channels) {
            pixel p;
            for (int c = 0; c < C::in_channels; c++)
                for (int l = 0; l < lanes; l++) put(p.data[c], l, x[(s + l < images ? s + l : images - 1) * size + i + c]);
            from.write(p);
        }
        f(from, to);
        for (size_t i = 0; i < out_size; i += C::n_out) {
            const result r = to.read();
            for (int c = 0; c < C::n_out; c++)
                for (int l = 0; l < lanes && s + l < images; l++) out[(s + l) * out_size + i + c] = get(r.data[c], l);
        }
    }
    return out;
}

// The words of a constant as the array that a kernel takes.
template <int N, class Words> auto array_of(const Words& words) -> hlsgen::rom<typename Words::value_type, N> {
    assert(words.size() == N);
    return *reinterpret_cast<const typename Words::value_type (*)[N]>(words.data());
}

template <class C> words convolve(const words& x, const words& k) {
    constants<C> c;
    c.read(k.data());
    const instance here;
    return each_image<C>(x, [&](auto& from, auto& to) {
        hlsgen::conv2d<C>(from, to, array_of<C::n_in * C::n_out>(c.w), array_of<C::n_out>(c.b));
    });
}
template <class C> words convolve_channels(const words& x, const words& k) {
    constants<C> c;
    c.read(k.data());
    const instance here;
    return each_image<C>(x, [&](auto& from, auto& to) {
        hlsgen::depthwise_conv2d<C>(from, to, array_of<C::n_out * C::n_taps>(c.w), array_of<C::n_out>(c.b));
    });
}
template <class C> words pool(const words& x, const words&) {
    return each_image<C>(x, [](auto& from, auto& to) { hlsgen::max_pooling2d<C>(from, to); });
}
