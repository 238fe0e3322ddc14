// The harness of the differential tests: the same program for the vendor's headers and for hlsgen's.
// Numbers travel as 128-bit words: the mantissa, sign-extended if the type is signed.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <vector>

#include <ap_fixed.h>

typedef __int128 word;
typedef std::vector<word> words;

#ifdef VENDOR
const int lanes = 1;
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, int N>
void put(ap_fixed_base<W, I, S, Q, O, N>& t, int, word v) {
    t.range(W > 64 ? 63 : W - 1, 0) = (unsigned long long)v;
    if (W > 64) t.range(W - 1, 64) = (unsigned long long)(v >> 64);
}
template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O, int N>
word get(const ap_fixed_base<W, I, S, Q, O, N>& t, int) {
    unsigned __int128 v = t.range(W > 64 ? 63 : W - 1, 0).to_uint64();
    if (W > 64) v |= (unsigned __int128)t.range(W - 1, 64).to_uint64() << 64;
    const int spare = 128 - W;
    return S ? word(v << spare) >> spare : word(v);
}
inline bool truth(bool answer, int) { return answer; }
#else
const int lanes = hlsgen::lanes::count;
template <class T> void put(T& t, int lane, word v) { t.V[lane] = (typename T::word)v; }
template <class T> word get(const T& t, int lane) { return (word)t.V[lane]; }
template <class M> bool truth(const M& answer, int lane) { return answer.V[lane] != 0; }
#endif

// Fill `lanes` values of T from in[i...]; positions beyond the end repeat the last value.
template <class T> void load(T& t, const words& in, size_t i) {
    for (int l = 0; l < lanes; l++) put(t, l, in[i + l < in.size() ? i + l : in.size() - 1]);
}

// Input: per case two counted lists; output: per case one counted list.
static words read_list(FILE* f) {
    uint64_t n = 0;
    if (fread(&n, 8, 1, f) != 1) abort();
    words list(n);
    if (n && fread(list.data(), 16, n, f) != n) abort();
    return list;
}

typedef words (*test_case)(const words&, const words&);
static int run_cases(const test_case* cases, int n, char** argv) {
    FILE* in = fopen(argv[1], "rb");
    FILE* out = fopen(argv[2], "wb");
    if (!in || !out) return 1;
    for (int c = 0; c < n; c++) {
        const words a = read_list(in), b = read_list(in);
        const words result = cases[c](a, b);
        const uint64_t count = result.size();
        fwrite(&count, 8, 1, out);
        if (count) fwrite(result.data(), 16, count, out);
    }
    fclose(in);
    return fclose(out);
}
