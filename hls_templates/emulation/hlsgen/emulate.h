// What a design's generated unit tells the bindings, and how it moves data in and out.
//
// The unit defines `run` (one chunk of HLSGEN_LANES samples through the top function), `bind` (this
// thread's weight pointers), one `design`, and a PyInit_ function that calls hlsgen_create_module.
// Conversion from and to NumPy lives in bindings.cpp, compiled once for all designs.
#ifndef HLSGEN_EMULATE_H
#define HLSGEN_EMULATE_H

#include <ap_fixed.h>
#include <hlsgen/constants.h>
#include <hlsgen/fifo.h>
#include <hlsgen/prepared.h>

struct _object;  // Python's object, without Python's headers

namespace hlsgen {
namespace emu {

struct port {
    long elements;
    hlsgen::format type;
    int native_bytes;  // of one lane
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
    // Called by every thread before its first chunk; throws if the constants are not of the design's sizes.
    void (*bind)(const constant_data* constants, prepared::store&);
    long tensors = 0;  // bytes of all tensors of one chunk: what run may put on the stack, within a factor
    int lanes = HLSGEN_LANES;
    fifo* fifos = nullptr;  // of a check of streams
    int n_fifos = 0;
};

template <class T> constexpr port describe(long elements) {
    return port{elements, T::format(), int(sizeof(typename T::word))};
}

template <class T> void load(T* x, long n, const chunk& c, int port) { c.fill(c, port, 0, n, x); }
template <class T> void store(const T* y, long n, const chunk& c, int port) { c.drain(c, port, 0, n, y); }

// n elements as n / N words of a stream of pack<T, N>, written and read where the stream keeps them.
template <class Stream> void load_stream(Stream& s, long n, const chunk& c, int port) {
    typedef typename Stream::value_type word;
    for (long first = 0; first < n;) {
        long here = (n - first) / word::size;
        word* to = s.room(&here);
        c.fill(c, port, first, here * word::size, to);
        s.push(here);
        first += here * word::size;
    }
}
template <class Stream> void store_stream(Stream& s, long n, const chunk& c, int port) {
    typedef typename Stream::value_type word;
    for (long first = 0; first < n;) {
        long here = (n - first) / word::size;
        const word* from = s.front(&here);
        c.drain(c, port, first, here * word::size, from);
        s.pop(here);
        first += here * word::size;
    }
}

// The same word by word, for streams of any kind.
template <class Stream> void feed(Stream& s, long n, const chunk& c, int port) {
    typename Stream::value_type word;
    for (long first = 0; first < n; first += word.size) {
        c.fill(c, port, first, word.size, &word);
        s.write(word);
    }
}
template <class Stream> void drain(Stream& s, long n, const chunk& c, int port) {
    typedef typename Stream::value_type word;
    for (long first = 0; first < n; first += word::size) {
        const word next = s.read();
        c.drain(c, port, first, word::size, &next);
    }
}

}  // namespace emu
}  // namespace hlsgen

extern "C" _object* hlsgen_create_module(const hlsgen::emu::design* design, const char* name);

#endif
