// mlp: the emulator's entry points. Written by hlsgen.
#include "mlp.cpp"

#include <hlsgen/emulate.h>

namespace {

using namespace hlsgen::emu;

void run(const chunk& c) {
    static thread_local features_t features[4];
    static thread_local softmax_t softmax[3];
    load(features, 4, c, 0);
    mlp(features, softmax);
    store(softmax, 3, c, 0);
}

void bind(const hlsgen::constant_data* constants, hlsgen::prepared::store& store) {
    hlsgen::prepared::bind(store);
    fc_1_w.bind(constants[0]);
    fc_1_b.bind(constants[1]);
    n_w.bind(constants[2]);
    n_b.bind(constants[3]);
    softmax_exps.bind(constants[4]);
    softmax_inverse.bind(constants[5]);
}

const constant constants[] = {
    hlsgen::bound<4, true, 20>::description(),
    hlsgen::bound<3, true, 5>::description(),
    hlsgen::bound<4, true, 15>::description(),
    hlsgen::bound<3, true, 3>::description(),
    hlsgen::bound<23, false, 128>::description(),
    hlsgen::bound<35, true, 2048>::description(),
};
const port inputs[] = {describe<features_t>(4) };
const port outputs[] = {describe<softmax_t>(3) };
const design this_design = {inputs, 1, outputs, 1, constants, 6, run, bind,
                            0 + long(sizeof(features_t)) * 4 + long(sizeof(fc_1_t)) * 5 + long(sizeof(relu_t)) * 5 + long(sizeof(n_t)) * 3 + long(sizeof(softmax_t)) * 3};

}  // namespace

extern "C" _object* hlsgen_create_module(const hlsgen::emu::design*, const char* name);

#define HLSGEN_PASTE(a, b) a##b
#define HLSGEN_INIT(name) HLSGEN_PASTE(PyInit_, name)
#define HLSGEN_TEXT(name) #name
#define HLSGEN_NAME(name) HLSGEN_TEXT(name)

extern "C" __attribute__((visibility("default"))) _object* HLSGEN_INIT(HLSGEN_MODULE)() {
    return hlsgen_create_module(&this_design, HLSGEN_NAME(HLSGEN_MODULE));
}
