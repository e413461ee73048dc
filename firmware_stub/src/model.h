/*
 * The engine that a build emitted, under fixed names. The build system says which one:
 *
 *   MODEL_HEADER  its header, in quotes           MODEL_PREFIX  start of its functions' names
 *   MODEL_MACRO   start of its macros' names
 */
#ifndef MODEL_H
#define MODEL_H

#ifndef MODEL_HEADER
#define MODEL_HEADER "edgedigits_model.h"
#define MODEL_PREFIX edgedigits_model
#define MODEL_MACRO EDGEDIGITS_MODEL
#endif

#include MODEL_HEADER

#define MODEL_JOIN_AS_WRITTEN(start, end) start##_##end
#define MODEL_JOIN(start, end) MODEL_JOIN_AS_WRITTEN(start, end)

#define MODEL_INPUT_SIZE MODEL_JOIN(MODEL_MACRO, INPUT_SIZE)
#define MODEL_OUTPUT_SIZE MODEL_JOIN(MODEL_MACRO, OUTPUT_SIZE)
#define MODEL_WORKSPACE_BYTES MODEL_JOIN(MODEL_MACRO, WORKSPACE_BYTES)
/* For #if: the start of the model's SHA-256; 0 where the header does not tell it. */
#define DIGEST_OF_MODEL MODEL_JOIN(MODEL_MACRO, MODEL_DIGEST)
/* For #if: 0 where the engine has no classify, no preprocess. */
#define MODEL_CLASSES MODEL_JOIN(MODEL_MACRO, CLASSES)
#define MODEL_PIXELS MODEL_JOIN(MODEL_MACRO, PIXELS)
/* For #if: 0 where pixels and input may share memory. */
#define MODEL_PREPROCESS_APART MODEL_JOIN(MODEL_MACRO, PREPROCESS_APART)
/* For #if: 0 where the engine has no classify_pixels; no begin, feed and end. */
#define MODEL_READS_PIXELS MODEL_JOIN(MODEL_MACRO, READS_PIXELS)
#define MODEL_NOT_ONE_IMAGE MODEL_JOIN(MODEL_MACRO, NOT_ONE_IMAGE)

/* For #if: 0 where classify refuses nothing. */
#define MODEL_REJECT_MARGIN MODEL_JOIN(MODEL_MACRO, REJECT_MARGIN)
#define MODEL_REJECT MODEL_JOIN(MODEL_MACRO, REJECT)

#define model_invoke MODEL_JOIN(MODEL_PREFIX, invoke)
#define model_classify MODEL_JOIN(MODEL_PREFIX, classify)
#define model_classify_pixels MODEL_JOIN(MODEL_PREFIX, classify_pixels)
#define model_begin MODEL_JOIN(MODEL_PREFIX, begin)
#define model_feed MODEL_JOIN(MODEL_PREFIX, feed)
#define model_end MODEL_JOIN(MODEL_PREFIX, end)
#define model_preprocess MODEL_JOIN(MODEL_PREFIX, preprocess)
#define model_fit MODEL_JOIN(MODEL_PREFIX, fit)
#define model_check_weights MODEL_JOIN(MODEL_PREFIX, check_weights)
#define model_self_test MODEL_JOIN(MODEL_PREFIX, self_test)

/* For #if: 0 where the header declares no type of its workspace, as those of earlier releases. */
#define MODEL_WORKSPACE_TYPE MODEL_JOIN(MODEL_MACRO, WORKSPACE_TYPE)
#if MODEL_WORKSPACE_TYPE
#define model_workspace_t MODEL_JOIN(MODEL_PREFIX, workspace_t)
#else
/* C has no empty arrays. */
typedef struct {
    uint32_t words[MODEL_WORKSPACE_BYTES / 4 + 1];
} model_workspace_t;
#endif

#endif
