// What a design's generated unit tells the bindings, and how it moves data in and out.
//
// The unit defines `run` (one chunk of HLSGEN_LANES samples through the top function), `bind` (this
// thread's weight pointers), one `design`, and a PyInit_ function that calls hlsgen_create_module.
// Conversion from and to NumPy lives in bindings.cpp, compiled once for all designs.
#ifndef HLSGEN_EMULATE_H
#define HLSGEN_EMULATE_H

#include <ap_fixed.h>

struct _object;  // Python's object, without Python's headers

namespace hlsgen {
namespace emu {

struct port {
    long elements;
    hlsgen::format type;
    int native_bytes;  // of one lane
};

struct constant {
    long count;
    int bytes;  // of one word: 2, 4, 8 or 16
};

// The samples of one call of `run`. The functions convert elements first .. first + n - 1 of every
// lane from or to the caller's arrays; `lanes` points at n consecutive values of the port's type.
struct chunk {
    void (*fill)(const chunk& self, int port, long first, long n, void* lanes);
    void (*drain)(const chunk& self, int port, long first, long n, const void* lanes);
};

struct design {
    const port* inputs;
    int n_inputs;
    const port* outputs;
    int n_outputs;
    const constant* constants;
    int n_constants;
    void (*run)(const chunk&);
    void (*bind)(const void* const* constants);  // called by every thread before its first chunk
    long tensors = 0;  // bytes of all tensors of one chunk: what run may put on the stack, within a factor
    int lanes = HLSGEN_LANES;
};

template <class T> constexpr port describe(long elements) {
    return port{elements, T::format(), int(sizeof(typename T::word))};
}

template <class T> void load(T* x, long n, const chunk& c, int port) { c.fill(c, port, 0, n, x); }
template <class T> void store(const T* y, long n, const chunk& c, int port) { c.drain(c, port, 0, n, y); }

// n elements as n / N words of a stream of pack<T, N>; several words are converted at a time.
template <class Stream> void load_stream(Stream& s, long n, const chunk& c, int port) {
    typedef typename Stream::value_type word;
    const int group = word::size < 64 ? 64 / word::size : 1;
    word words[group];
    for (long first = 0; first < n; first += group * word::size) {
        const long left = (n - first) / word::size, here = left < group ? left : group;
        c.fill(c, port, first, here * word::size, words);
        for (long i = 0; i < here; i++) s.write(words[i]);
    }
}
template <class Stream> void store_stream(Stream& s, long n, const chunk& c, int port) {
    typedef typename Stream::value_type word;
    const int group = word::size < 64 ? 64 / word::size : 1;
    word words[group];
    for (long first = 0; first < n; first += group * word::size) {
        const long left = (n - first) / word::size, here = left < group ? left : group;
        for (long i = 0; i < here; i++) s.read(words[i]);
        c.drain(c, port, first, here * word::size, words);
    }
}

}  // namespace emu
}  // namespace hlsgen

extern "C" _object* hlsgen_create_module(const hlsgen::emu::design* design, const char* name);

#endif
