/*
 * Runs a program for the Arduino Uno in simavr: what comes in here goes to its serial port once it has written a line
 * there; what it writes comes out. uno PROGRAM.elf LINES ends behind so many lines, or with 1 after ten seconds of its time.
 */
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdio.h>
#include <stdlib.h>

static avr_irq_t *to_uno;
static int lines, may_send, greeted;

static void out(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)param;
    putchar((int)value);
    lines -= value == '\n';
    greeted |= value == '\n';
}

static void start_sending(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)value, (void)param;
    may_send = 1;
}

static void stop_sending(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq, (void)value, (void)param;
    may_send = 0;
}

int main(int count, char **arguments)
{
    elf_firmware_t program = {0};
    avr_t *avr = avr_make_mcu_by_name("atmega328p");
    avr_irq_t *from_uno = NULL;
    uint32_t flags = 0;

    if (count != 3 || avr == NULL || elf_read_firmware(arguments[1], &program) != 0) {
        return 2;
    }
    avr_init(avr);
    avr_load_firmware(avr, &program);
    avr->frequency = 16000000;
    avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    from_uno = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), 0);
    to_uno = from_uno + UART_IRQ_INPUT;
    avr_irq_register_notify(from_uno + UART_IRQ_OUTPUT, out, NULL);
    avr_irq_register_notify(from_uno + UART_IRQ_OUT_XON, start_sending, NULL);
    avr_irq_register_notify(from_uno + UART_IRQ_OUT_XOFF, stop_sending, NULL);
    lines = atoi(arguments[2]);
    while (lines > 0 && avr->cycle < 10u * avr->frequency) {
        const int state = avr_run(avr);

        if (state == cpu_Done || state == cpu_Crashed) {
            return 1;
        }
        while (may_send && greeted) {
            const int byte = getchar();

            if (byte == EOF) {
                break;
            }
            avr_raise_irq(to_uno, (uint32_t)byte);
        }
    }
    fprintf(stderr, "%llu cycles\n", (unsigned long long)avr->cycle);
    return lines > 0;
}
