$(call program,vexipc-top,main.c batch.c canvas.c model.c order.c record.c record_read.c \
	sample.c source_live.c source_replay.c text.c ui.c view_header.c view_help.c \
	view_service.c view_table.c tools/vexipc/common.c tools/vexipc/json.c,\
	vexipc ncursesw libcjson -lm)
