embedd_engines := engine.c engine_echo.c engine_use_lite.c use_lite_encoder.c \
	use_lite_kernels.c use_lite_model.c use_lite_tokenizer.c

$(call program,vexipc-embedd,main.c options.c answer.c notify.c \
	$(embedd_engines),vexipc libutf8proc -lm -pthread)

# The engines' tests are not in the engines' folder.
embedd_tests := tests/unit/test_echo.c tests/unit/test_tokenizer.c tests/unit/test_use_lite.c
$(foreach t,$(embedd_tests),$(eval CFLAGS_$t := -Itools/vexipc-embedd))

$(call unit,test_echo,tests/unit/test_echo.c $(embedd_engines),libutf8proc -lm -pthread)
$(call unit,test_tokenizer,tests/unit/test_tokenizer.c use_lite_tokenizer.c \
	use_lite_model.c,libutf8proc -lm)
$(call unit,test_use_lite,tests/unit/test_use_lite.c $(embedd_engines),libutf8proc libcjson -lm -pthread)
