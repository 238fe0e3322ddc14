// hls::stream of the emulation: order, growth, errors, several threads. Exits with 0, or the failing line.
#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/pack.h>

#include <stdlib.h>
#include <string.h>
#include <thread>

typedef hlsgen::pack<ap_fixed<16, 6>, 3> narrow;
typedef hlsgen::pack<ap_fixed<40, 6>, 700> wide;

#define REQUIRE(condition) \
    if (!(condition)) _Exit(__LINE__ % 250 + 1)

template <class T> void in_order(int words) {
    hls::stream<T> s("order");
    int written = 0, read = 0;
    unsigned seed = words;
    while (read < words) {
        seed = seed * 1664525u + 1013904223u;
        if (written < words && (written == read || seed >> 30)) {
            T w;
            for (int i = 0; i < T::size; i++) w[i] = hlsgen::from_mantissa<typename T::value_type>((written * 7 + i) % 30000);
            s.write(w);
            written++;
        } else {
            REQUIRE(!s.empty());
            const T w = s.read();
            for (int i = 0; i < T::size; i++) REQUIRE(w[i].V[hlsgen::lanes::count - 1] == (read * 7 + i) % 30000);
            read++;
        }
        REQUIRE(int(s.size()) == written - read);
    }
    REQUIRE(s.empty());
}

static void everything() {
    in_order<narrow>(5000);
    in_order<wide>(50);
    in_order<narrow>(1);

    bool thrown = false;
    try {
        hls::stream<narrow> s("hungry"), full("full");
        full.write(narrow{});  // must not throw a second time while the first error unwinds
        s.read();
    } catch (const std::exception& e) {
        thrown = strstr(e.what(), "hungry") != nullptr;
    }
    REQUIRE(thrown);

    thrown = false;
    try {
        hls::stream<narrow> s("left");
        s.write(narrow{});
    } catch (const std::exception& e) {
        thrown = strstr(e.what(), "left") != nullptr;
    }
    REQUIRE(thrown);
}

int main() {
    everything();
    std::thread a(everything), b(everything);
    a.join();
    b.join();
    return 0;
}
