// Harness for the vocabulary of kernels (hlsgen/arith.h, hlsgen/matvec.h), in both worlds.
#include "world.h"

#include <hlsgen/arith.h>
#include <hlsgen/matvec.h>
#include <hlsgen/polynomial.h>
#include <hlsgen/sums.h>
#ifndef VENDOR
#include <hlsgen/prepared.h>
#endif

// A constant's storage word: a native integer, or beyond 64 bits in the vendor's world an ap_int.
template <class M> struct storage {
    static M of(word v) { return M(v); }
};
#ifdef VENDOR
template <int W, class M> M wide(word v) {
    M m;
    m.range(63, 0) = (unsigned long long)v;
    m.range(W - 1, 64) = (unsigned long long)(v >> 64);
    return m;
}
template <int W> struct storage<ap_int<W> > {
    static ap_int<W> of(word v) { return wide<W, ap_int<W> >(v); }
};
template <int W> struct storage<ap_uint<W> > {
    static ap_uint<W> of(word v) { return wide<W, ap_uint<W> >(v); }
};
#endif

template <int W, bool S> hlsgen::mantissa<W, S> constant(word v) { return storage<hlsgen::mantissa<W, S> >::of(v); }

template <class X, class Weight, class Bias, class Sum, int In, int Out, int Reuse, bool Resource> struct layer {
    static const int n_in = In, n_out = Out;
    static const int turns = Resource ? Reuse : 1, interval = Resource ? 1 : Reuse, multipliers = In * Out / Reuse;
    static const hlsgen::strategy strategy = Resource ? hlsgen::strategy::resource : hlsgen::strategy::latency;
    typedef X input_t;
    typedef Weight weight_t;
    typedef Bias bias_t;
    typedef Sum sum_t;
    typedef Sum accum_t;
    typedef Sum output_t;
    typedef hlsgen::mantissa<hlsgen::traits<Weight>::width, hlsgen::traits<Weight>::is_signed> weight_word;
    typedef hlsgen::mantissa<hlsgen::traits<Bias>::width, hlsgen::traits<Bias>::is_signed> bias_word;
};

// The same with results.
template <class Layer, class Accum, class Result> struct casting : Layer {
    typedef Accum accum_t;
    typedef Result output_t;
};

// While it lives, this thread works for an instance with weights of its own.
struct instance {
#if !defined(VENDOR)
    hlsgen::prepared::store store;
    instance() { hlsgen::prepared::bind(store); }
    ~instance() { hlsgen::prepared::current_id = 0, hlsgen::prepared::current = nullptr; }
#endif
};

// Weights and biases of C, always in the same place: k holds weights, then biases.
template <class C> struct constants {
    std::vector<typename C::weight_word> w;
    std::vector<typename C::bias_word> b;

    constants() : w(C::n_in * C::n_out), b(C::n_out) {}
    hlsgen::weights<C> weights() const {
        typedef typename std::remove_reference<hlsgen::weights<C> >::type array;
        return *reinterpret_cast<const array*>(w.data());
    }
    void read(const word* k) {
        typedef hlsgen::traits<typename C::weight_t> weight;
        typedef hlsgen::traits<typename C::bias_t> bias;
        for (int i = 0; i < C::n_in * C::n_out; i++) w[i] = constant<weight::width, weight::is_signed>(k[i]);
        for (int j = 0; j < C::n_out; j++) b[j] = constant<bias::width, bias::is_signed>(k[w.size() + j]);
    }
};

// Samples first ... end - 1 of x.
template <class C> void multiply(const words& x, const constants<C>& k, size_t first, size_t end, words& out) {
    for (size_t s = first; s < end; s += lanes) {
        typename C::input_t in[C::n_in];
        hlsgen::row_sum<C> sum[C::n_out];
        for (int l = 0; l < lanes; l++)
            for (int i = 0; i < C::n_in; i++) put(in[i], l, x[(s + l < end ? s + l : end - 1) * C::n_in + i]);
        hlsgen::matvec<C>(in, k.weights(), k.b.data(), sum);
        for (int l = 0; l < lanes && s + l < end; l++)
            for (int j = 0; j < C::n_out; j++) out[(s + l) * C::n_out + j] = get(sum[j], l);
    }
}

// x: samples of n_in inputs; k: weights, then biases. Result: samples of n_out results.
template <class C> words results(const words& x, const words& k) {
    constants<C> c;
    c.read(k.data());
    const size_t samples = x.size() / C::n_in;
    words out(samples * C::n_out);
    const instance here;
    for (size_t s = 0; s < samples; s += lanes) {
        typename C::input_t in[C::n_in];
        hlsgen::row_sum<C> sum[C::n_out];
        typename C::output_t y[C::n_out];
        for (int l = 0; l < lanes; l++)
            for (int i = 0; i < C::n_in; i++) put(in[i], l, x[(s + l < samples ? s + l : samples - 1) * C::n_in + i]);
        hlsgen::matvec<C>(in, c.weights(), c.b.data(), sum);
        hlsgen::cast_sums<C>(sum, y);
        for (int l = 0; l < lanes && s + l < samples; l++)
            for (int j = 0; j < C::n_out; j++) out[(s + l) * C::n_out + j] = get(y[j], l);
    }
    return out;
}

// x: samples of n_in inputs; k: weights, then biases. Result: samples of n_out sums.
template <class C> words products(const words& x, const words& k) {
    constants<C> c;
    c.read(k.data());
    const size_t samples = x.size() / C::n_in;
    words out(samples * C::n_out);
    multiply<C>(x, c, 0, samples / 3, out);  // for no instance
    const instance here;
    multiply<C>(x, c, samples / 3, samples, out);
    return out;
}

// The same for several sets of constants one after the other at the same addresses: two of no instance, then each of an
// instance of its own.
template <class C> words successors(const words& x, const words& k) {
    const size_t samples = x.size() / C::n_in, size = C::n_in * C::n_out + C::n_out;
    constants<C> c;
    words out;
    for (size_t set = 0; set < k.size() / size; set++) {
        c.read(k.data() + set * size);
        words results(samples * C::n_out);
        if (set < 2) {
            multiply<C>(x, c, 0, samples, results);
        } else {
            const instance here;
            multiply<C>(x, c, 0, samples, results);
        }
        out.insert(out.end(), results.begin(), results.end());
    }
    return out;
}

// table[x]: k holds all entries.
template <class X, class R> words entries(const words& x, const words& k) {
    typedef hlsgen::traits<R> result;
    std::vector<hlsgen::mantissa<result::width, result::is_signed>> table;
    for (word v : k) table.push_back(constant<result::width, result::is_signed>(v));
    words out(x.size());
    for (size_t i = 0; i < x.size(); i += lanes) {
        X v;
        load(v, x, i);
        const R r = hlsgen::lookup<R>(table.data(), v);
        for (int l = 0; l < lanes && i + l < x.size(); l++) out[i + l] = get(r, l);
    }
    return out;
}

// Bits Low .. of x as a value of type T.
template <class X, class T, int Low> words slices(const words& x, const words&) {
    words out(x.size());
    for (size_t i = 0; i < x.size(); i += lanes) {
        X v;
        load(v, x, i);
        const T part = hlsgen::slice<T, Low>(v);
        for (int l = 0; l < lanes && i + l < x.size(); l++) out[i + l] = get(part, l);
    }
    return out;
}

// Where a piece has a coefficient.
template <class T, int Word, int Bit> struct stored {
    typedef T type;
    static const int word = Word, bit = Bit;
};

template <class Packed, class Place, class Offset, int Words, int Degree, class C0, class C1, class C2, class C3>
struct piece {
    typedef Packed packed_t;
    typedef Place place_t;
    typedef Offset offset_t;
    typedef typename C0::type c0_t;
    typedef typename C1::type c1_t;
    typedef typename C2::type c2_t;
    typedef typename C3::type c3_t;
    static const int words = Words, degree = Degree, offset_bits = Offset::width;
    static const int c0_word = C0::word, c0_bit = C0::bit, c1_word = C1::word, c1_bit = C1::bit;
    static const int c2_word = C2::word, c2_bit = C2::bit, c3_word = C3::word, c3_bit = C3::bit;
};

// x: samples of the words of a piece; y: the place of each. Result: mantissas of the exact value.
template <class C> words polynomials(const words& x, const words& y) {
    words out(y.size());
    for (size_t s = 0; s < y.size(); s += lanes) {
        typename C::packed_t packed[C::words];
        for (int l = 0; l < lanes; l++)
            for (int w = 0; w < C::words; w++) put(packed[w], l, x[(s + l < y.size() ? s + l : y.size() - 1) * C::words + w]);
        typename C::place_t place;
        load(place, y, s);
        const auto value = hlsgen::polynomial<C>(packed, place);
        for (int l = 0; l < lanes && s + l < y.size(); l++) out[s + l] = get(value, l);
    }
    return out;
}

// The larger of x and y by select, then added up twice at a finer step.
template <class X, class Acc> words larger(const words& x, const words& y) {
    words out(x.size());
    for (size_t i = 0; i < x.size(); i += lanes) {
        X a, b;
        load(a, x, i);
        load(b, y, i);
        const X most = hlsgen::select(a < b, b, a);
        Acc acc = hlsgen::cast<Acc>(most);
        hlsgen::accumulate(acc, most);
        for (int l = 0; l < lanes && i + l < x.size(); l++) out[i + l] = get(acc, l);
    }
    return out;
}

// ReLU and sign by comparisons with integers: bits of x > 0, x <= -1, x >= 1, x < 3, x == 1, x != -2.
template <class X> words thresholds(const words& x, const words&) {
    words out(x.size());
    for (size_t i = 0; i < x.size(); i += lanes) {
        X a;
        load(a, x, i);
        for (int l = 0; l < lanes && i + l < x.size(); l++)
            out[i + l] = truth(a > 0, l) | truth(a <= -1, l) << 1 | truth(a >= 1, l) << 2 | truth(a < 3, l) << 3 |
                         truth(a == 1, l) << 4 | truth(a != -2, l) << 5;
    }
    return out;
}
