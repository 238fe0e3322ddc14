// Streams for `hlsgen lint`: reads and writes stay in the IR as calls of two functions that are declared and never
// defined, so that nothing is known of the words that come. Who wants to run a design defines them.
#ifndef HLS_STREAM_H
#define HLS_STREAM_H

extern "C" {
void hlsgen_stream_read(const void* stream, void* word, unsigned long bytes);
void hlsgen_stream_write(const void* stream, const void* word, unsigned long bytes);
}

#pragma clang attribute push(__attribute__((always_inline)), apply_to = function)

namespace hls {

template <class T> class stream {
public:
    stream() {}
    explicit stream(const char*) {}

    T read() {
        T word;
        hlsgen_stream_read(this, &word, sizeof(T));
        return word;
    }
    void read(T& word) { word = read(); }
    void write(const T& word) { hlsgen_stream_write(this, &word, sizeof(T)); }

private:
    stream(const stream&);
    stream& operator=(const stream&);
    char place;  // two streams never have one address
};

}  // namespace hls

#pragma clang attribute pop

#endif
