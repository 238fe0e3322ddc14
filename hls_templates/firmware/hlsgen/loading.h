// Weights that are loaded at run time: words of memory come by, and fill the rows of bytes that a layer holds.
//
// send_words<First, Words>(memory, words)   words First, First + 1, ... of the memory, to a layer
// load_rows(words, rows)                    they become rows, each of which begins with a word of its own
// Cycles: a word a cycle once the memory answers. Addresses follow each other, so that the tool makes bursts of them.
#ifndef HLSGEN_LOADING_H
#define HLSGEN_LOADING_H

#include <hls_stream.h>
#include <hlsgen/byte_rows.h>

namespace hlsgen {

template <int First, int Words, int N>
void send_words(const ap_uint<N>* memory, hls::stream<ap_uint<N> >& words) {
#pragma HLS INLINE
Word:
    for (int i = 0; i < Words; i++) {
#pragma HLS PIPELINE II=1
        const ap_uint<N> word = memory[First + i];
        words.write(word);
    }
}

// A row is collected in registers and written at once: the memory of rows has one port, and one word a row.
template <int N, int Bytes, int Rows>
void load_rows(hls::stream<ap_uint<N> >& words, unsigned char (&rows)[Bytes][Rows]) {
#pragma HLS INLINE
    const int words_of_row = (8 * Bytes + N - 1) / N;
    unsigned char row[Bytes];
#pragma HLS ARRAY_PARTITION variable=row complete
Row:
    for (int r = 0; r < Rows; r++) {
    Word:
        for (int k = 0; k < words_of_row; k++) {
#pragma HLS PIPELINE II=1
            const ap_uint<N> word = words.read();
        Byte:
            for (int b = 0; b < Bytes; b++) {
#pragma HLS UNROLL
                const int low = 8 * b % N;
                const ap_uint<8> byte = word.range(low + 7, low);
                if (k == 8 * b / N) row[b] = (unsigned char)(byte.to_uint64());
                if (k == words_of_row - 1) rows[b][r] = row[b];
            }
        }
    }
}

}  // namespace hlsgen

#endif
