// cnn: the emulator's entry points. Written by hlsgen.
#include "cnn.cpp"

#include <hlsgen/emulate.h>

namespace {

using namespace hlsgen::emu;

void run(const chunk& c) {
    hls::stream<image_word> image("image");
    hls::stream<classes_word> classes("classes");
    hls::stream<pool_copy_word> pool_copy("pool_copy");
    load_stream(image, 36, c, 0);
    cnn(image, classes, pool_copy);
    store_stream(classes, 3, c, 0);
    store_stream(pool_copy, 18, c, 1);
}

void bind(const hlsgen::constant_data* constants, hlsgen::prepared::store& store) {
    hlsgen::prepared::bind(store);
    conv_w.bind(constants[0]);
    conv_b.bind(constants[1]);
    conv2_w.bind(constants[2]);
    conv2_b.bind(constants[3]);
    classes_w.bind(constants[4]);
    classes_b.bind(constants[5]);
}

const constant constants[] = {
    hlsgen::bound<4, true, 18>::description(),
    hlsgen::bound<1, false, 2>::description(),
    hlsgen::bound<4, true, 36>::description(),
    hlsgen::bound<2, false, 2>::description(),
    hlsgen::bound<4, true, 54>::description(),
    hlsgen::bound<3, true, 3>::description(),
};
const port inputs[] = {describe<image_t>(36) };
const port outputs[] = {describe<classes_t>(3), describe<pool_copy_t>(18) };
const design this_design = {inputs, 1, outputs, 2, constants, 6, run, bind,
                            0 + long(sizeof(image_t)) * 36 + long(sizeof(conv_t)) * 72 + long(sizeof(relu_t)) * 72 + long(sizeof(relu_branch_t)) * 72 + long(sizeof(relu_branch_2_t)) * 72 + long(sizeof(conv2_t)) * 72 + long(sizeof(skip_t)) * 72 + long(sizeof(pool_t)) * 18 + long(sizeof(pool_branch_t)) * 18 + long(sizeof(pool_branch_2_t)) * 18 + long(sizeof(classes_t)) * 3 + long(sizeof(pool_copy_t)) * 18};

}  // namespace

extern "C" _object* hlsgen_create_module(const hlsgen::emu::design*, const char* name);

#define HLSGEN_PASTE(a, b) a##b
#define HLSGEN_INIT(name) HLSGEN_PASTE(PyInit_, name)
#define HLSGEN_TEXT(name) #name
#define HLSGEN_NAME(name) HLSGEN_TEXT(name)

extern "C" __attribute__((visibility("default"))) _object* HLSGEN_INIT(HLSGEN_MODULE)() {
    return hlsgen_create_module(&this_design, HLSGEN_NAME(HLSGEN_MODULE));
}
