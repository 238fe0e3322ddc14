// cnn: C simulation. Reads tb_data/inputs.dat (integer mantissas, a sample a line, inputs one after the other),
// writes tb_data/outputs.dat in the same form and compares it with tb_data/expected.dat if that exists. Written by hlsgen.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "firmware/cnn.h"

namespace {

// The W raw bits of one element from decimal text into a word from bit `first` on, and back: bit by bit.
template <int W, int N> void get_bits(std::istream& text, ap_uint<N>& word, int first) {
    std::string number;
    text >> number;
    const ap_int<W + 1> bits(number.c_str(), 10);
    for (int b = 0; b < W; b++) word[first + b] = bool(bits[b]);
}

template <int W, int N> std::string put_bits(const ap_uint<N>& word, int first, bool is_signed) {
    ap_int<W + 1> bits = 0;
    for (int b = 0; b < W; b++) bits[b] = bool(word[first + b]);
    bits[W] = is_signed && bool(word[first + W - 1]);
    return bits.to_string(10, true);
}

// Whether all bits from `first` on are zero.
template <int N> bool are_zero(const ap_uint<N>& word, int first) {
    for (int b = first; b < N; b++)
        if (bool(word[b])) return false;
    return true;
}

// One folder; 0 if all is right.
int simulate(const std::string& folder) {
    std::ifstream inputs((folder + "/inputs.dat").c_str());
    if (!inputs) {
        std::cerr << "no " << folder << "/inputs.dat: write the project with test vectors\n";
        return 1;
    }
    std::ifstream expected((folder + "/expected.dat").c_str());
    std::ofstream results((folder + "/outputs.dat").c_str());
    std::string line, wanted;
    int samples = 0, wrong = 0;
    bool sound = true;  // whether words are as the interface says, beside their elements
    while (std::getline(inputs, line)) {
        std::istringstream text(line);
        hls::stream<image_word> image("image");
        for (int i = 0; i < 36; i++) {
            ap_uint<8> bits = ~ap_uint<8>(0);  // also those above the elements, which nobody reads
            for (int e = 0; e < 1; e++) get_bits<8>(text, bits, 8 * e);
            image.write(bits);
        }
        hls::stream<classes_word> classes("classes");
        hls::stream<pool_copy_word> pool_copy("pool_copy");
        cnn(image, classes, pool_copy);
        std::ostringstream out;
        for (int i = 0; i < 1; i++) {
            const classes_word word = classes.read();
            const ap_uint<72> bits = word;
            for (int e = 0; e < 3; e++) out << put_bits<22>(bits, 22 * e, true) << ' ';
            if (!are_zero(bits, 66)) sound = false;
        }
        for (int i = 0; i < 9; i++) {
            const pool_copy_word word = pool_copy.read();
            const ap_uint<40> bits = word;
            for (int e = 0; e < 2; e++) out << put_bits<17>(bits, 17 * e, true) << ' ';
            if (!are_zero(bits, 34)) sound = false;
        }
        std::string result = out.str();
        result.erase(result.size() - 1);
        results << result << '\n';
        if (std::getline(expected, wanted) && wanted != result) wrong++;
        samples++;
    }
    std::cout << samples << " samples, " << wrong << " differ from tb_data/expected.dat\n";
    if (!sound) std::cout << "words of outputs have bits above their elements\n";
    return wrong == 0 && sound ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return simulate("tb_data");
    int failed = 0;
    for (int a = 1; a < argc; a++) failed |= simulate(argv[a]);
    return failed;
}
