// mlp: C simulation. Reads tb_data/inputs.dat (integer mantissas, a sample a line, inputs one after the other),
// writes tb_data/outputs.dat in the same form and compares it with tb_data/expected.dat if that exists. Written by hlsgen.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "firmware/mlp.h"

namespace {

// The raw bits of one element from decimal text, and back.
template <class T> void get(std::istream& text, T& value) {
    std::string word;
    text >> word;
    ap_int<T::width + 1> bits(word.c_str(), 10);
    value.range(T::width - 1, 0) = bits.range(T::width - 1, 0);
}

template <class T> std::string put(const T& value, bool is_signed) {
    ap_int<T::width + 1> bits = 0;
    bits.range(T::width - 1, 0) = value.range(T::width - 1, 0);
    bits[T::width] = is_signed ? bool(value[T::width - 1]) : false;
    return bits.to_string(10, true);
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
    while (std::getline(inputs, line)) {
        std::istringstream text(line);
        features_t features[4];
        for (int i = 0; i < 4; i++) get(text, features[i]);
        softmax_t softmax[3];
        mlp(features, softmax);
        std::ostringstream out;
        for (int i = 0; i < 3; i++) out << put(softmax[i], false) << ' ';
        std::string result = out.str();
        result.erase(result.size() - 1);
        results << result << '\n';
        if (std::getline(expected, wanted) && wanted != result) wrong++;
        samples++;
    }
    std::cout << samples << " samples, " << wrong << " differ from tb_data/expected.dat\n";
    return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return simulate("tb_data");
    int failed = 0;
    for (int a = 1; a < argc; a++) failed |= simulate(argv[a]);
    return failed;
}
