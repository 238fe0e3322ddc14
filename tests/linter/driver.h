// Runs a design on the headers of `hlsgen lint`: streams are queues here, numbers come and go as mantissas in decimal.
extern "C" int printf(const char*, ...);
extern "C" int scanf(const char*, ...);
extern "C" void* malloc(unsigned long);
extern "C" void abort();

#include <hlsgen/pack.h>

struct queued {
    const void* stream;
    unsigned char* word;
    queued* next;
};
static queued* oldest = nullptr;

static inline void copy(void* to, const void* from, unsigned long bytes) {
    for (unsigned long i = 0; i < bytes; i++) ((unsigned char*)to)[i] = ((const unsigned char*)from)[i];
}
extern "C" void hlsgen_stream_write(const void* stream, const void* word, unsigned long bytes) {
    queued* entry = (queued*)malloc(sizeof(queued));
    *entry = {stream, (unsigned char*)malloc(bytes), nullptr};
    copy(entry->word, word, bytes);
    queued** last = &oldest;
    while (*last) last = &(*last)->next;
    *last = entry;
}
// Nothing may be read that was not written.
extern "C" void hlsgen_stream_read(const void* stream, void* word, unsigned long bytes) {
    queued** entry = &oldest;
    while (*entry && (*entry)->stream != stream) entry = &(*entry)->next;
    if (!*entry) abort();
    copy(word, (*entry)->word, bytes);
    *entry = (*entry)->next;
}

// Elements of W bits in a word: element 0 in the lowest bits.
template <class T, int N> void element(hlsgen::pack<T, N>& word, int i, int, long long mantissa) {
    word.data[i].range(T::width - 1, 0) = ap_uint<T::width>(mantissa);
}
template <int N> void element(ap_uint<N>& word, int i, int width, long long mantissa) {
    word.range(width * (i + 1) - 1, width * i) = mantissa;
}
template <class T, int N> unsigned long long bits_of(const hlsgen::pack<T, N>& word, int i, int) {
    return word.data[i].range(T::width - 1, 0).to_uint64();
}
template <int N> unsigned long long bits_of(const ap_uint<N>& word, int i, int width) {
    return word.range(width * (i + 1) - 1, width * i).to_uint64();
}

static inline long long next_number() {
    long long number = 0;
    if (scanf("%lld", &number) != 1) abort();
    return number;
}
static inline void show(unsigned long long bits, int width, bool is_signed) {
    const int spare = 64 - width;
    printf("%lld ", is_signed ? (long long)(bits << spare) >> spare : (long long)bits);
}

template <class W> void send(hls::stream<W>& stream, int words, int pack, int width) {
    for (int w = 0; w < words; w++) {
        W word;
        for (int i = 0; i < pack; i++) element(word, i, width, next_number());
        stream.write(word);
    }
}
template <class W> void receive(hls::stream<W>& stream, int words, int pack, int width, bool is_signed) {
    for (int w = 0; w < words; w++) {
        const W word = stream.read();
        for (int i = 0; i < pack; i++) show(bits_of(word, i, width), width, is_signed);
    }
}
template <class T, int N> void send(T (&array)[N], int, int, int) {
    for (int i = 0; i < N; i++) array[i].range(T::width - 1, 0) = ap_uint<T::width>(next_number());
}
template <class T, int R, int N> void send(T (&rows)[R][N], int, int, int) {
    for (int r = 0; r < R; r++) send(rows[r], 1, N, T::width);
}
template <class T, int N> void receive(T (&array)[N], int, int, int, bool is_signed) {
    for (int i = 0; i < N; i++) show(array[i].range(T::width - 1, 0).to_uint64(), T::width, is_signed);
}
template <class T, int R, int N> void receive(T (&rows)[R][N], int, int, int, bool is_signed) {
    for (int r = 0; r < R; r++) receive(rows[r], 1, N, T::width, is_signed);
}
