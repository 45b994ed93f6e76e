// SPDX-License-Identifier: GPL-2.0-only
/* The terminal: draws by ncurses, and does what keys say. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "top.h"

enum {
	FIRST_DELAY_MS	= 250,		/* until there are rates */
	KEYS_AT_ONCE	= 64,
	ESCAPE		= 27,
	CTRL_L		= 12,
	CTRL_U		= 21,
	CTRL_H		= 8,
	DELETE		= 127,
};

struct ui {
	struct top *top;
	struct view view;
	struct canvas canvas;
	uint64_t next_ms;		/* when to look again */
	uint32_t delay_ms;		/* 0: of a replay, as recorded */
	enum { KEYS, TYPING, ASKING } mode;
	bool drain;			/* what is asked: drain, else resume */
	char id[VEXIPC_MAX_NAME + 1];	/* whom it is asked of */
	bool quit;
	int err;			/* why to quit */
};

static attr_t attributes[STYLES];

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void choose_colors(bool color)
{
	static const struct {
		enum style style;
		short color;
	} colors[] = {
		{ STYLE_GOOD, COLOR_GREEN }, { STYLE_WARN, COLOR_YELLOW },
		{ STYLE_BAD, COLOR_RED }, { STYLE_LINE, COLOR_CYAN },
	};

	attributes[STYLE_DIM] = A_DIM;
	attributes[STYLE_BOLD] = A_BOLD;
	attributes[STYLE_HEAD] = A_UNDERLINE;
	attributes[STYLE_BAD] = A_BOLD;
	if (!color || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	for (size_t i = 0; i < ARRAY_SIZE(colors); i++) {
		short pair = (short)(i + 1);

		if (init_pair(pair, colors[i].color, -1) != ERR)
			attributes[colors[i].style] |= (attr_t)COLOR_PAIR(pair);
	}
}

/* Cells of one style at a time. */
static void show_row(const struct canvas *canvas, unsigned int y)
{
	const struct cell *cells = canvas->cells + (size_t)y * canvas->columns;
	wchar_t text[CANVAS_MOST];

	move((int)y, 0);
	for (unsigned int x = 0; x < canvas->columns;) {
		uint8_t style = cells[x].style;
		int length = 0;

		for (; x < canvas->columns && cells[x].style == style; x++)
			if (cells[x].c)
				text[length++] = (wchar_t)cells[x].c;
		attrset((int)(attributes[style & ~STYLE_CHOSEN] |
			      (style & STYLE_CHOSEN ? A_REVERSE : 0)));
		/* The last cell of the screen is drawn, though it is an error. */
		addnwstr(text, length);
	}
	attrset(A_NORMAL);
}

static void show(struct ui *ui)
{
	unsigned int rows = LINES > 0 ? (unsigned int)LINES : 1;
	unsigned int columns = COLS > 0 ? (unsigned int)COLS : 1;

	if (canvas_resize(&ui->canvas, rows, columns)) {
		ui->err = -ENOMEM;
		ui->quit = true;
		return;
	}
	view_draw(&ui->canvas, &ui->top->model, &ui->view);
	erase();
	for (unsigned int y = 0; y < ui->canvas.rows; y++)
		show_row(&ui->canvas, y);
	refresh();
}

static void say(struct ui *ui, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct ui *ui, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ui->view.message, sizeof(ui->view.message), format, args);
	va_end(args);
}

static uint32_t delay_of(const struct ui *ui)
{
	double recorded = ui->top->model.interval_sec * 1000;

	if (ui->top->model.samples < 2)
		return FIRST_DELAY_MS;
	if (ui->delay_ms)
		return ui->delay_ms;
	if (!ui->view.replay)
		return DEFAULT_DELAY_MS;
	return recorded < LEAST_DELAY_MS ? LEAST_DELAY_MS :
	       recorded > 10 * DEFAULT_DELAY_MS ? 10 * DEFAULT_DELAY_MS : (uint32_t)recorded;
}

static void look(struct ui *ui)
{
	int err = top_step(ui->top);

	ui->next_ms = now_ms() + delay_of(ui);
	if (!err)
		return;
	if (!ui->view.replay) {
		ui->err = err;
		ui->quit = true;
		return;
	}
	ui->view.ended = true;
	if (err != -ENODATA)
		top_explain(ui->top, err, ui->view.message, sizeof(ui->view.message));
}

/* ------------------------------------------------------------------ keys -- */

static const struct row *chosen_row(const struct ui *ui)
{
	const struct model *model = &ui->top->model;

	for (uint32_t slot = 0; slot < VEXIPC_MAX_SERVICES; slot++)
		if (model->rows[slot] && model->rows[slot]->now.handle == ui->view.chosen)
			return model->rows[slot];
	return NULL;
}

static void ask_control(struct ui *ui, bool drain)
{
	const struct row *row = chosen_row(ui);
	const char *what = drain ? "drain" : "resume";

	if (ui->view.replay) {
		say(ui, "a replay cannot %s", what);
	} else if (ui->view.readonly) {
		say(ui, "--readonly: cannot %s", what);
	} else if (!row || !row->id[0]) {
		say(ui, "no service is chosen");
	} else {
		ui->mode = ASKING;
		ui->drain = drain;
		strcpy(ui->id, row->id);
		snprintf(ui->view.prompt, sizeof(ui->view.prompt), "%s %s? y/n", what, row->id);
	}
}

static void control(struct ui *ui)
{
	struct vexipc_admin *admin;
	int err = vexipc_admin_open(&admin);

	if (!err) {
		err = ui->drain ? vexipc_admin_drain(admin, ui->id) :
				  vexipc_admin_resume(admin, ui->id);
		vexipc_admin_close(admin);
	}
	if (err)
		say(ui, "cannot %s %s: %s", ui->drain ? "drain" : "resume", ui->id,
		    err == -EPERM || err == -EACCES ? "it takes root (CAP_NET_ADMIN)" :
		    strerror(-err));
	else
		say(ui, "%s: %s", ui->id, ui->drain ? "drains" : "resumed");
	ui->next_ms = 0;
}

static void answer_key(struct ui *ui, int key)
{
	ui->mode = KEYS;
	ui->view.prompt[0] = '\0';
	if (key == 'y' || key == 'Y')
		control(ui);
}

static void prompt_filter(struct ui *ui)
{
	snprintf(ui->view.prompt, sizeof(ui->view.prompt), "filter: %s_", ui->view.order.filter);
}

static void type_key(struct ui *ui, int key)
{
	char *filter = ui->view.order.filter;
	size_t length = strlen(filter);

	switch (key) {
	case ESCAPE:
		filter[0] = '\0';
		/* fallthrough */
	case '\r':
	case '\n':
	case KEY_ENTER:
		ui->mode = KEYS;
		ui->view.prompt[0] = '\0';
		return;
	case KEY_BACKSPACE:
	case CTRL_H:
	case DELETE:
		/* A character of several bytes goes as one. */
		while (length && (filter[length - 1] & 0xc0) == 0x80)
			length--;
		filter[length ? length - 1 : 0] = '\0';
		break;
	case CTRL_U:
		filter[0] = '\0';
		break;
	default:
		if (key >= ' ' && key <= 0xff && key != DELETE && length + 1 < FILTER_ROOM) {
			filter[length] = (char)key;
			filter[length + 1] = '\0';
		}
	}
	prompt_filter(ui);
}

static void choose(struct ui *ui, long by)
{
	const struct row *rows[VEXIPC_MAX_SERVICES];
	long count = order_rows(&ui->top->model, &ui->view.order, rows);
	long at = (long)ui->view.at + by;

	at = at >= count ? count - 1 : at;
	at = at < 0 ? 0 : at;
	ui->view.at = (unsigned int)at;
	ui->view.chosen = count ? rows[at]->now.handle : 0;
}

static void scroll_by(struct view *view, long by)
{
	long to = (long)view->scroll + by;

	to = to > (long)view->most_scroll ? (long)view->most_scroll : to;
	view->scroll = to < 0 ? 0 : (unsigned int)to;
}

static void go(struct ui *ui, long by)
{
	if (ui->view.screen == SCREEN_TABLE)
		choose(ui, by);
	else
		scroll_by(&ui->view, by);
}

static void sort_by(struct ui *ui, int step)
{
	struct order *order = &ui->view.order;

	order->key = (order->key + SORT_KEYS + step) % SORT_KEYS;
	say(ui, "sorted by %s", sort_key_name(order->key));
}

static void switch_to(struct view *view, enum page screen)
{
	view->screen = screen;
	view->scroll = 0;
}

static void change_delay(struct ui *ui, bool longer)
{
	uint32_t delay = ui->delay_ms ?: DEFAULT_DELAY_MS;

	delay = longer ? delay * 2 : delay / 2;
	delay = delay < LEAST_DELAY_MS ? LEAST_DELAY_MS :
		delay > MOST_DELAY_MS ? MOST_DELAY_MS : delay;
	ui->delay_ms = delay;
	ui->next_ms = now_ms() + delay;
	say(ui, "every %g s", delay / 1000.0);
}

static void command_key(struct ui *ui, int key)
{
	struct view *view = &ui->view;
	long page = view->page ? (long)view->page : 1;

	switch (key) {
	case 'q':
		ui->quit = true;
		break;
	case 'h':
	case '?':
	case KEY_F(1):
		switch_to(view, SCREEN_HELP);
		break;
	case '\r':
	case '\n':
	case KEY_ENTER:
		if (view->screen == SCREEN_TABLE && chosen_row(ui))
			switch_to(view, SCREEN_SERVICE);
		break;
	case ESCAPE:
	case KEY_BACKSPACE:
	case CTRL_H:
	case DELETE:
		switch_to(view, SCREEN_TABLE);
		break;
	case 'p':
	case ' ':
		view->paused = !view->paused;
		ui->next_ms = 0;
		break;
	case 'd':
	case 'u':
		ask_control(ui, key == 'd');
		break;
	case '/':
		ui->mode = TYPING;
		prompt_filter(ui);
		break;
	case 's':
	case '>':
		sort_by(ui, 1);
		break;
	case '<':
		sort_by(ui, -1);
		break;
	case 'r':
		view->order.reverse = !view->order.reverse;
		break;
	case '+':
	case '-':
		change_delay(ui, key == '-');
		break;
	case KEY_UP:
	case 'k':
		go(ui, -1);
		break;
	case KEY_DOWN:
	case 'j':
		go(ui, 1);
		break;
	case KEY_PPAGE:
		go(ui, -page);
		break;
	case KEY_NPAGE:
		go(ui, page);
		break;
	case KEY_HOME:
	case 'g':
		go(ui, -(long)CANVAS_MOST * 2);
		break;
	case KEY_END:
	case 'G':
		go(ui, (long)CANVAS_MOST * 2);
		break;
	case CTRL_L:
		clearok(stdscr, TRUE);
		break;
	}
}

static void press(struct ui *ui, int key)
{
	if (key == KEY_RESIZE)
		return;
	ui->view.message[0] = '\0';
	if (ui->mode == TYPING)
		type_key(ui, key);
	else if (ui->mode == ASKING)
		answer_key(ui, key);
	else if (ui->view.screen == SCREEN_HELP && key != KEY_UP && key != KEY_DOWN &&
		 key != KEY_PPAGE && key != KEY_NPAGE)
		switch_to(&ui->view, SCREEN_TABLE);
	else
		command_key(ui, key);
}

/* Has the terminal gone? Then no key will ever come, at once. */
static bool hung_up(void)
{
	struct pollfd fd = { .fd = STDIN_FILENO };

	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void wait_key(struct ui *ui)
{
	uint64_t now = now_ms();
	int key;

	if (ui->view.paused || ui->view.ended)
		timeout(1000);
	else
		timeout(ui->next_ms > now ? (int)(ui->next_ms - now) : 0);
	key = getch();
	if (key == ERR && hung_up())
		ui->quit = true;
	/* What came meanwhile, before it is drawn. */
	timeout(0);
	for (int i = 0; key != ERR && i < KEYS_AT_ONCE && !ui->quit; i++) {
		press(ui, key);
		key = i + 1 < KEYS_AT_ONCE ? getch() : ERR;
	}
}

static void loop(struct ui *ui)
{
	const uint32_t iterations = ui->top->options.iterations;

	while (!ui->quit && !interrupted) {
		if (!ui->view.paused && !ui->view.ended && now_ms() >= ui->next_ms) {
			/* As many as batch shows: the first one is not counted. */
			if (iterations && ui->top->model.samples > iterations)
				break;
			look(ui);
		}
		if (!ui->quit)
			show(ui);
		if (!ui->quit)
			wait_key(ui);
	}
}

int run_ui(struct top *top)
{
	const struct options *options = &top->options;
	struct ui ui = {
		.top = top,
		.view = {
			.order = options->order,
			.readonly = options->readonly,
			.recording = options->record != NULL,
			.replay = options->replay,
		},
		.canvas = { .utf8 = top->utf8 },
		.delay_ms = options->delay_ms,
	};
	SCREEN *screen = newterm(NULL, stdout, stdin);
	char why[512];

	if (!screen) {
		fprintf(stderr, "vexipc-top: no terminal of type '%s' is known; set TERM, or use -b\n",
			getenv("TERM") ?: "");
		return EXIT_FAILED;
	}
	set_escdelay(25);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	choose_colors(!options->no_color);
	loop(&ui);
	endwin();
	delscreen(screen);
	canvas_free(&ui.canvas);
	if (!ui.err)
		return EXIT_OK;
	top_explain(top, ui.err, why, sizeof(why));
	fprintf(stderr, "vexipc-top: %s\n", why);
	return EXIT_FAILED;
}
