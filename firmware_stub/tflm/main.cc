/*
 * The same firmware for those who keep TensorFlow Lite Micro: it needs model_data.h and tflm_resolver.h of a build.
 *
 * Add this file, ../src/protocol.c, ../src/crc32.c and a board's files to a project that has TensorFlow Lite Micro, and
 * define for protocol.c: MODEL_HEADER="tflm_engine.h", MODEL_PREFIX=tflm_model, MODEL_MACRO=TFLM_MODEL. Where the build has
 * another prefix than edgedigits_model, define EDGEDIGITS_PREFIX and EDGEDIGITS_MACRO for this file.
 */
#include <cstring>

#include "model_data.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tflm_engine.h"
#include "tflm_resolver.h"

extern "C" {
#include "platform.h"
#include "protocol.h"
}

#ifndef EDGEDIGITS_PREFIX
#define EDGEDIGITS_PREFIX edgedigits_model
#define EDGEDIGITS_MACRO EDGEDIGITS_MODEL
#endif
#define JOIN_AS_WRITTEN(start, end) start##_##end
#define JOIN(start, end) JOIN_AS_WRITTEN(start, end)

namespace {

constexpr size_t kArenaBytes = JOIN(EDGEDIGITS_MACRO, ARENA_BYTES);
alignas(16) uint8_t arena[kArenaBytes];
tflite::MicroInterpreter *interpreter = nullptr;

bool IsInt8OfSize(const TfLiteTensor *tensor, size_t bytes) {
    return tensor != nullptr && tensor->type == kTfLiteInt8 && tensor->bytes == bytes;
}

/* Sets `interpreter` when all is as the headers say: invoke copies as many bytes as they do. */
int Start() {
    static JOIN(EDGEDIGITS_PREFIX, op_resolver) resolver;
    if (JOIN(EDGEDIGITS_PREFIX, register_ops)(resolver) != kTfLiteOk) {
        return 1;
    }
    const tflite::Model *model = tflite::GetModel(JOIN(EDGEDIGITS_PREFIX, data));
    static tflite::MicroInterpreter the_interpreter(model, resolver, arena, kArenaBytes);
    if (the_interpreter.AllocateTensors() != kTfLiteOk) {
        return 2;
    }
    if (!IsInt8OfSize(the_interpreter.input(0), TFLM_MODEL_INPUT_SIZE) ||
        !IsInt8OfSize(the_interpreter.output(0), TFLM_MODEL_OUTPUT_SIZE)) {
        return 3;
    }
    interpreter = &the_interpreter;
    return 0;
}

}  // namespace

extern "C" int tflm_model_self_test(void *) {
    static const int result = Start();
    return result;
}

extern "C" void tflm_model_invoke(const int8_t *input, int8_t *output, void *) {
    std::memset(output, 0, TFLM_MODEL_OUTPUT_SIZE);
    if (interpreter == nullptr) {
        return;
    }
    std::memcpy(interpreter->input(0)->data.int8, input, TFLM_MODEL_INPUT_SIZE);
    if (interpreter->Invoke() == kTfLiteOk) {
        std::memcpy(output, interpreter->output(0)->data.int8, TFLM_MODEL_OUTPUT_SIZE);
    }
}

/* The first of equal scores wins, as everywhere in edgedigits; margin: how far the second is behind. */
extern "C" int tflm_model_classify(const int8_t *input, void *, int8_t *margin) {
    int8_t scores[TFLM_MODEL_OUTPUT_SIZE];
    tflm_model_invoke(input, scores, nullptr);
    int best = 0;
    for (int i = 1; i < TFLM_MODEL_OUTPUT_SIZE; i++) {
        best = scores[i] > scores[best] ? i : best;
    }
    int lead = 127;
    for (int i = 0; i < TFLM_MODEL_OUTPUT_SIZE; i++) {
        int behind = scores[best] - scores[i];
        lead = i != best && behind < lead ? behind : lead;
    }
    *margin = static_cast<int8_t>(lead);
    return best;
}

int main() {
    platform_console_init();
    platform_ticks_init();
    int failed = protocol_begin();
    while (protocol_serve()) {
    }
    return failed;
}
