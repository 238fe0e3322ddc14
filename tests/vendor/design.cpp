// A small design for the bindings' tests: two inputs (one a stream), three outputs, two constants.
#include <hls_stream.h>
#include <hlsgen/arith.h>
#include <hlsgen/constants.h>
#include <hlsgen/pack.h>

#ifndef OFFSETS
#define OFFSETS 1  // what the design reads; it says of itself that it is 1
#endif

typedef ap_fixed<16, 6, AP_RND_CONV, AP_SAT> a_t;
typedef IN_TYPE b_t;
typedef ap_fixed<26, 10> sum_t;
typedef ap_fixed<80, 40> wide_t;
typedef hlsgen::pack<b_t, 3> b_word;

static thread_local hlsgen::bound<8, true, 3> scale;
static thread_local hlsgen::bound<80, true, OFFSETS> offset;

// sum = a[i] * scale[i]; copy = b; far = a[0] + offset.
static void top(const a_t a[3], hls::stream<b_word>& b, sum_t sum[3], hls::stream<b_word>& copy, wide_t far[1]) {
    for (int i = 0; i < 3; i++) sum[i] = a[i] * hlsgen::from_mantissa<ap_fixed<8, 4> >(scale.words[i]);
    for (int i = 0; i < 100; i++) copy.write(b.read());
    far[0] = a[0] + hlsgen::from_mantissa<wide_t>(offset.words[0]);
#ifdef HUNGRY
    b.read();
#endif
}

#include <hlsgen/emulate.h>

namespace emu = hlsgen::emu;

static void run(const emu::chunk& c) {
    a_t a[3];
    sum_t sum[3];
    wide_t far[1];
    hls::stream<b_word> b("b"), copy("copy");
    emu::load(a, 3, c, 0);
    emu::load_stream(b, 300, c, 1);
    top(a, b, sum, copy, far);
    emu::store(sum, 3, c, 0);
    emu::store_stream(copy, 300, c, 1);
    emu::store(far, 1, c, 2);
}
static void bind(const hlsgen::constant_data* k, hlsgen::prepared::store&) {
    scale.bind(k[0]);
    offset.bind(k[1]);
}
static const emu::port inputs[] = {emu::describe<a_t>(3), emu::describe<b_t>(300)};
static const emu::port outputs[] = {emu::describe<sum_t>(3), emu::describe<b_t>(300), emu::describe<wide_t>(1)};
static const emu::constant constants[] = {scale.description(), hlsgen::bound<80, true, 1>::description()};
static const emu::design design = {inputs, 2, outputs, 3, constants, 2, run, bind};

extern "C" __attribute__((visibility("default"))) _object* MODULE_INIT() {
    return hlsgen_create_module(&design, MODULE_NAME);
}
