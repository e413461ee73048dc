/*
 * TensorFlow Lite Micro behind the interface of an emitted engine, so that src/protocol.c serves both. main.cc implements it.
 */
#ifndef TFLM_ENGINE_H
#define TFLM_ENGINE_H

#include <stddef.h>
#include <stdint.h>

/* Set these for a model of another size; main.cc compares them with the model at start. */
#ifndef TFLM_MODEL_INPUT_SIZE
#define TFLM_MODEL_INPUT_SIZE 784
#endif
#ifndef TFLM_MODEL_OUTPUT_SIZE
#define TFLM_MODEL_OUTPUT_SIZE 10
#endif
#define TFLM_MODEL_CLASSES TFLM_MODEL_OUTPUT_SIZE
/* The arena is TensorFlow Lite Micro's own affair. */
#define TFLM_MODEL_WORKSPACE_BYTES 0

#ifdef __cplusplus
extern "C" {
#endif

void tflm_model_invoke(const int8_t *input, int8_t *output, void *workspace);
int tflm_model_classify(const int8_t *input, void *workspace, int8_t *margin);

/* 0: ready. 1: an operator is missing. 2: the arena is too small. 3: the model's ends are not what this header says. */
int tflm_model_self_test(void *workspace);

#ifdef __cplusplus
}
#endif

#endif
