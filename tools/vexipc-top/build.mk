$(call program,vexipc-top,main.c batch.c canvas.c figure.c model.c order.c record.c record_read.c \
	sample.c source_live.c source_replay.c text.c ui.c view_header.c view_help.c \
	view_service.c view_table.c tools/vexipc/common.c tools/vexipc/json.c,\
	vexipc ncursesw libcjson -lm)

$(call unit,test_top_text,tests/unit/test_top_text.c canvas.c text.c,-lm)
$(call unit,test_top_record,tests/unit/test_top_record.c record.c record_read.c sample.c,\
	vexipc libmnl libbpf -lm)
$(call unit,test_top_model,tests/unit/test_top_model.c figure.c model.c order.c sample.c view_table.c \
	view_header.c view_help.c view_service.c canvas.c text.c,vexipc libmnl libbpf -lm)
$(call unit,test_top_view,tests/unit/test_top_view.c figure.c model.c order.c record.c record_read.c \
	sample.c view_table.c view_header.c view_help.c view_service.c canvas.c text.c,\
	vexipc libmnl libbpf -lm)
